import { GraphBuilder, type Network, type Ref } from "../graph.ts";

/** Pixels of input for one cell of each level. */
export const DETECTOR_STRIDES = [8, 16, 32] as const;
/** Left, top, right, bottom distance and objectness: the channels of the `box` outputs. */
export const BOX_CHANNELS = 5;

/** Multiplies the channels of the backbone; the neck and head follow. */
export const DETECTOR_WIDTHS = { small: 0.5, normal: 1, large: 1.5 } as const;
export type DetectorVariant = keyof typeof DETECTOR_WIDTHS;

/** -log(99): a score of 0.01 for everything at the start, so that the many empty cells do not drown the rest. */
const RARE = -Math.log(99);

/**
 * Many objects a picture, without anchors: a small residual backbone, a top-down neck and one head shared by three
 * levels (the form follows FCOS, Tian et al. 2019, and YOLOX, Ge et al. 2021). 0.93 M parameters and 493 M
 * multiply-adds at 320 px for the normal width.
 *
 * Outputs, for each stride s of 8, 16, 32, with [H, W] = size / s:
 *   `class<s>` [classes, H, W] logits; `box<s>` [5, H, W]: l, t, r, b (box side = s * softplus), objectness logit.
 *
 * @param size input side in px, a multiple of 32
 * @param height of the input where that is less, a multiple of 32: the parameters are the same
 */
export function detectorNetwork(
  size: number,
  classCount: number,
  variant: DetectorVariant,
  height = size,
): Network {
  const g = new GraphBuilder();
  const wide = (channels: number): number => 8 * Math.round((channels * DETECTOR_WIDTHS[variant]) / 8);
  const unit = (x: Ref, name: string, filters: number, side: 1 | 3, stride: 1 | 2 = 1): Ref =>
    g.relu(g.batchNorm(g.conv(x, name, filters, side, { stride }), `${name}.norm`));
  const residual = (x: Ref, name: string): Ref => {
    const channels = x.shape[0]!;
    return g.add(x, unit(unit(x, `${name}.squeeze`, channels / 2, 1), `${name}.expand`, channels, 3));
  };

  let x = g.rescale(g.input(3, height, size), 1 / 255);
  x = unit(x, "stem", wide(16), 3, 2);
  x = residual(unit(x, "stage4", wide(32), 3, 2), "stage4.a");
  x = unit(x, "stage8", wide(64), 3, 2);
  const c3 = residual(residual(x, "stage8.a"), "stage8.b");
  x = unit(c3, "stage16", wide(128), 3, 2);
  const c4 = residual(residual(x, "stage16.a"), "stage16.b");
  x = residual(unit(c4, "stage32", wide(192), 3, 2), "stage32.a");
  // Pyramid pooling (He et al. 2014) in its fast form: two 5x5 pools in a row see 5 and 9 cells.
  const squeezed = unit(x, "pyramid.in", wide(96), 1);
  const near = g.maxPool(squeezed, 5, 1, 2);
  const c5 = unit(g.concat([squeezed, near, g.maxPool(near, 5, 1, 2)]), "pyramid.out", wide(192), 1);

  const neck = wide(64);
  const p5 = unit(c5, "lateral32", neck, 1);
  const p4 = unit(g.add(unit(c4, "lateral16", neck, 1), g.upsample(p5)), "merge16", neck, 3);
  const p3 = g.add(unit(c3, "lateral8", neck, 1), g.upsample(p4));

  [p3, p4, p5].forEach((level, i) => {
    const stride = DETECTOR_STRIDES[i]!;
    const branch = (name: string): Ref =>
      g.relu(g.batchNorm(g.conv(level, `head.${name}`, neck, 3), `head.${name}.norm${stride}`));
    const small = { kind: "normal", deviation: 0.01 } as const;
    const classes = g.conv(branch("class"), "predict.class", classCount, 1, { bias: [RARE], start: small });
    const boxes = g.conv(branch("box"), "predict.box", BOX_CHANNELS, 1, {
      bias: [1, 1, 1, 1, RARE],
      start: small,
    });
    g.output(`class${stride}`, classes);
    g.output(`box${stride}`, boxes);
  });
  return g.build();
}

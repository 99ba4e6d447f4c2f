import type { Layer, Shape } from "../graph.ts";
import { pictureInput } from "../onnx/picture-input.ts";
import { type Emitter, type Pieces, spatialShape } from "./emitter.ts";

export type Rescale = Pick<Extract<Layer, { kind: "rescale" }>, "scale" | "zero">;

/**
 * Pictures as uint8 [batch, height, width, channels] to float32 [batch, channels, height, width] in some pieces,
 * rescaled where a rescaling follows.
 */
export function enterPictures(e: Emitter, shape: Shape, count: number, rescale: Rescale | undefined): Pieces {
  const whole = { shape, pictures: e.batch };
  const [channels, height, width] = spatialShape(whole);
  const plain = pictureInput(e.b, { channels, height, width }, e.batch);
  return e.regroup([{ ...whole, plain }], count).map((piece) => {
    const planes = e.b.op("Transpose", [e.plain(piece)], { perm: [0, 3, 1, 2] });
    const floats = e.b.op("Cast", [planes], { to: 1 });
    return e.map("plain", piece, shape, rescale === undefined ? floats : rescaled(e, floats, rescale));
  });
}

export function rescaled(e: Emitter, x: string, { scale, zero }: Rescale): string {
  const moved = zero === 0 ? x : e.b.op("Sub", [x, e.b.scalar(zero)]);
  return e.b.op("Mul", [moved, e.b.scalar(scale)]);
}

import { expect, setDefaultTimeout, test } from "bun:test";
import { PicturePredictor } from "../../../shared/detect/picture-predictor.ts";
import type { Engine } from "../../../shared/nn/engine.ts";
import type { Network } from "../../../shared/nn/graph.ts";
import type { NetworkConfig } from "../../../shared/nn/networks/config.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const NETWORK: NetworkConfig = { kind: "detector", size: 128, classCount: 1, variant: "small" };
const STRIDE = 8;
/** softplus(x) = 1 / 2: half a cell to each side. */
const HALF_A_CELL = Math.log(Math.expm1(0.5));

/** An engine that sees an object of one cell wherever the middle of a cell is white; notes the heights it computes. */
function whiteSeeker(heights: number[]): Engine {
  const answer = ({ input: { height, width } }: Network, pictures: Uint8Array, count: number) => {
    heights.push(height);
    return [STRIDE, 2 * STRIDE, 4 * STRIDE].flatMap((stride) => {
      const [columns, rows] = [width / stride, height / stride];
      const cells = columns * rows;
      const boxes = new Float32Array(count * 5 * cells).fill(HALF_A_CELL);
      for (let picture = 0; picture < count; picture++) {
        for (let cell = 0; cell < cells; cell++) {
          const [x, y] = [((cell % columns) + 0.5) * stride, (Math.floor(cell / columns) + 0.5) * stride];
          const isWhite = pictures[3 * ((picture * height + y) * width + x)]! > 200;
          boxes[(picture * 5 + 4) * cells + cell] = isWhite && stride === STRIDE ? 9 : -9;
        }
      }
      return [new Float32Array(count * cells).fill(9), boxes];
    });
  };
  return {
    predictor: async (network: Network) => ({
      infer: async (pictures: Uint8Array, count: number) => answer(network, pictures, count),
      [Symbol.asyncDispose]: async () => {},
    }),
  } as unknown as Engine;
}

/** Black, with a white square of 20 pixels at a place. */
function picture(width: number, height: number, left: number, top: number) {
  const data = new Uint8Array(3 * width * height);
  for (let y = top; y < top + 20; y++) data.fill(255, 3 * (y * width + left), 3 * (y * width + left + 20));
  return { width, height, data };
}

/** Pictures of 256 px a side or less lie on the input at half their size: a cell is 16 of their pixels. */
async function middlesOf(trims: boolean, pictures: ReturnType<typeof picture>[], heights: number[]) {
  const options = { batch: 4, trims };
  await using predictor = await PicturePredictor.open(
    whiteSeeker(heights),
    NETWORK,
    new Float32Array(0),
    options,
  );
  return (await predictor.detect(pictures, [0.5])).map((found) => {
    expect(found.length).toBeGreaterThan(0);
    const [x1, y1, x2, y2] = found[0]!.box;
    return [(x1 + x2) / 2, (y1 + y2) / 2] as const;
  });
}

test("a wide picture is computed without the grey about it, and what it shows is found in its place", async () => {
  for (const [left, top] of [
    [8, 4],
    [120, 60],
    [230, 122],
  ] as const) {
    for (const trims of [false, true]) {
      const heights: number[] = [];
      const [[x, y]] = (await middlesOf(trims, [picture(256, 144, left, top)], heights)) as [
        [number, number],
      ];
      expect(heights).toEqual([trims ? 96 : 128]);
      expect(Math.abs(x - (left + 10))).toBeLessThanOrEqual(12);
      expect(Math.abs(y - (top + 10))).toBeLessThanOrEqual(12);
    }
  }
});

test("pictures of several shapes are computed together, with room for the highest", async () => {
  const heights: number[] = [];
  const wide = picture(256, 60, 100, 30);
  const [of43, alone] = [picture(256, 192, 200, 170), picture(100, 256, 40, 200)];
  expect(await middlesOf(true, [wide, of43], heights)).toHaveLength(2);
  expect(await middlesOf(true, [wide], heights)).toHaveLength(1);
  expect(await middlesOf(true, [wide, alone], heights)).toHaveLength(2);
  expect(heights).toEqual([96, 32, 128]);
});

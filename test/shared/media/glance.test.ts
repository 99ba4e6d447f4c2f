import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { type Glance, GlanceSplitter, showsSame } from "../../../shared/media/glance.ts";

const [WIDTH, HEIGHT] = [160, 90];

function noisy(seed: number, change: (x: number, y: number) => number = () => 0): Glance {
  const random = new Random("glance", seed);
  const grey = Uint8Array.from(
    { length: WIDTH * HEIGHT },
    (_, at) => 100 + random.between(-3, 3) + change(at % WIDTH, Math.floor(at / WIDTH)),
  );
  return { width: WIDTH, height: HEIGHT, grey };
}

test("glances that differ by noise alone show the same", () => {
  for (let seed = 1; seed < 20; seed++) expect(showsSame(noisy(0), noisy(seed))).toBe(true);
});

test("a thing of six pixels that the motion detector would just find is another sight, darker or brighter", () => {
  const thing = (by: number) => noisy(1, (x, y) => (x >= 80 && x < 82 && y >= 40 && y < 43 ? by : 0));
  expect(showsSame(noisy(1), thing(12))).toBe(false);
  expect(showsSame(noisy(1), thing(-12))).toBe(false);
});

test("a glance of another size is another sight", () => {
  const { grey } = noisy(1);
  expect(showsSame(noisy(1), { width: HEIGHT, height: WIDTH, grey })).toBe(false);
});

test("glances come out whole however ffmpeg's output is cut, and what is none is an error", () => {
  const [first, second] = [
    noisy(1),
    { width: 3, height: 2, grey: Uint8Array.from([80, 53, 10, 51, 32, 50]) },
  ];
  const written = Buffer.concat(
    [first, second, first].flatMap(({ width, height, grey }) => [
      Buffer.from(`P5\n${width} ${height}\n255\n`),
      grey,
    ]),
  );
  for (const size of [1, 2, 7, 1000, written.length]) {
    const splitter = new GlanceSplitter();
    const found: Glance[] = [];
    for (let at = 0; at < written.length; at += size)
      found.push(...splitter.push(written.subarray(at, at + size)));
    expect(found).toEqual([first, second, first]);
  }
  for (const text of ["P6\n160 90\n255\n.....", "P5\n1600 90\n255\n....", "P5\n0 90\n255\n....."])
    expect(() => [...new GlanceSplitter().push(Buffer.from(text))]).toThrow("lost their place");
});

import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";

test("a stream is the same on every machine and in every version: other machines draw the same pictures", () => {
  const random = new Random(7, "chunk", 12);
  expect([random.u32(), random.u32(), random.u32()]).toEqual([1413561044, 1502629151, 3986952314]);
});

test("streams of neighbouring names share nothing", () => {
  const draw = (...name: (number | string)[]): string => {
    const random = new Random(...name);
    return [random.u32(), random.u32()].join();
  };
  const drawn = [draw(1, 2), draw(2, 1), draw(12), draw("1", "2"), draw(1), draw(1, 2, 0)];
  // Numbers and their digits name the same stream, by design.
  expect(draw(1, 2)).toBe(draw("1", "2"));
  expect(new Set(drawn).size).toBe(5);
});

test("numbers are spread evenly, and normal ones have mean 0 and deviation 1", () => {
  const random = new Random("spread");
  const count = 20_000;
  const cells = new Array<number>(10).fill(0);
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    cells[random.below(10)]!++;
    const value = random.normal();
    sum += value;
    squares += value * value;
  }
  expect(Math.max(...cells.map((cell) => Math.abs(cell / count - 0.1)))).toBeLessThan(0.01);
  expect(Math.abs(sum / count)).toBeLessThan(0.03);
  expect(Math.abs(squares / count - 1)).toBeLessThan(0.05);
});

test("a permutation holds every number once", () => {
  const order = new Random(3).permutation(100);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect([...order.slice(0, 5)]).not.toEqual([0, 1, 2, 3, 4]);
});

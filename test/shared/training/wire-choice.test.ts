import { expect, test } from "bun:test";
import { WireChooser } from "../../../shared/training/wire-choice.ts";

/**
 * Plays rounds whose ring takes `ringMs` in float32, and half or a quarter of it in the others; a step's computing takes
 * `computeMs`. @returns the kinds of round that there were, in turn: `int8 x 8` has 8 steps
 */
function play(chooser: WireChooser, computeMs: number, ringMs: number, rounds = 100): string[] {
  const kinds: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const { format, steps } = chooser;
    const kind = steps === 1 ? format : `${format} x ${steps}`;
    if (kinds.at(-1) !== kind) kinds.push(kind);
    const tookMs = (ringMs * { float32: 4, float16: 2, int8: 1 }[format]) / 4;
    chooser.measured(tookMs, steps * computeMs + tookMs, steps);
  }
  return kinds;
}

test("numbers stay exact where the network takes little of a round", () => {
  expect(play(new WireChooser("auto"), 150, 12)).toEqual(["float32"]);
});

test("a slower network gets float16, a very slow one int8, and a fast one exact numbers again", () => {
  const chooser = new WireChooser("auto");
  expect(play(chooser, 1000, 400).at(-1)).toBe("float16");
  expect(play(chooser, 1000, 1900).at(-1)).toBe("int8");
  expect(play(chooser, 1000, 50).at(-1)).toBe("float32");
});

test("a network at the edge does not make the choice swing", () => {
  const chooser = new WireChooser("auto");
  play(chooser, 1000, 300);
  expect(play(chooser, 1000, 200)).toEqual(["float16"]);
});

test("what is asked for is used, whatever it takes", () => {
  expect(play(new WireChooser("int8"), 1000, 1)).toEqual(["int8"]);
  expect(play(new WireChooser("float32"), 10, 1000)).toEqual(["float32"]);
  expect(play(new WireChooser("float16", 4), 1000, 1)).toEqual(["float16 x 4"]);
  expect(play(new WireChooser("auto", 1), 1000, 5000)).toEqual(["float32", "int8"]);
});

test("where the ring in int8 still takes long, workers step by themselves, as often as brings it down to an eighth", () => {
  // 4 workers on a shared cell of 100 Mbit/s, and one of half of that.
  expect(play(new WireChooser("auto"), 1000, 3800)).toEqual(["float32", "int8 x 8"]);
  expect(play(new WireChooser("auto"), 1000, 2200)).toEqual(["float32", "int8 x 8"]);
  expect(play(new WireChooser("auto"), 1000, 2000)).toEqual(["float32", "int8 x 4"]);
  expect(play(new WireChooser("auto"), 1000, 20_000)).toEqual(["float32", "int8 x 8"]);
});

test("where rounds are long, five rounds are enough to choose", () => {
  const chooser = new WireChooser("auto");
  expect(play(chooser, 1000, 3800, 5)).toEqual(["float32"]);
  expect(play(chooser, 1000, 3800, 1)).toEqual(["int8 x 8"]);
});

test("a ring that takes little time is no reason to, however little the computing takes: loopback, a good network", () => {
  expect(play(new WireChooser("auto"), 5, 40)).toEqual(["float32", "int8"]);
  expect(play(new WireChooser("auto"), 40, 350)).toEqual(["float32", "int8"]);
});

test("with a network that became faster all step together again, and a little faster or slower changes nothing", () => {
  const chooser = new WireChooser("auto");
  play(chooser, 1000, 3800);
  expect(play(chooser, 1000, 2500)).toEqual(["int8 x 8"]);
  expect(play(chooser, 1000, 4800)).toEqual(["int8 x 8"]);
  expect(play(chooser, 1000, 1600)).toEqual(["int8 x 8", "int8 x 4"]);
  expect(play(chooser, 1000, 2200)).toEqual(["int8 x 4"]);
  expect(play(chooser, 1000, 900).at(-1)).toBe("int8");
});

test("a format that was asked for stays, and steps are chosen by what the ring takes in it where that is asked for too", () => {
  expect(play(new WireChooser("float32", "auto"), 1000, 900)).toEqual(["float32", "float32 x 8"]);
  expect(play(new WireChooser("float32", "auto"), 1000, 400)).toEqual(["float32"]);
});

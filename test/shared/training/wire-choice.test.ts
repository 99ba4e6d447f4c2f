import { expect, test } from "bun:test";
import { FormatChooser } from "../../../shared/training/wire-choice.ts";

/** Plays rounds whose ring takes `ringMs` in float32, and half or a quarter of it in the others. */
function play(chooser: FormatChooser, computeMs: number, ringMs: number, rounds = 100): string[] {
  const formats: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const { format } = chooser;
    if (formats.at(-1) !== format) formats.push(format);
    const tookMs = (ringMs * { float32: 4, float16: 2, int8: 1 }[format]) / 4;
    chooser.measured(tookMs, computeMs + tookMs);
  }
  return formats;
}

test("numbers stay exact where the network takes little of a round", () => {
  expect(play(new FormatChooser("auto"), 150, 12)).toEqual(["float32"]);
});

test("a slower network gets float16, a very slow one int8, and a fast one exact numbers again", () => {
  const chooser = new FormatChooser("auto");
  expect(play(chooser, 1000, 400).at(-1)).toBe("float16");
  expect(play(chooser, 1000, 4000).at(-1)).toBe("int8");
  expect(play(chooser, 1000, 50).at(-1)).toBe("float32");
});

test("a network at the edge does not make the choice swing", () => {
  const chooser = new FormatChooser("auto");
  play(chooser, 1000, 300);
  expect(play(chooser, 1000, 200)).toEqual(["float16"]);
});

test("what is asked for is used, whatever it takes", () => {
  expect(play(new FormatChooser("int8"), 1000, 1)).toEqual(["int8"]);
  expect(play(new FormatChooser("float32"), 10, 1000)).toEqual(["float32"]);
});

import { describe, expect, test } from "bun:test";
import { detectorLevels, type Level } from "../../../shared/detect/cells.ts";
import { Assigner } from "../../../shared/learn/assign.ts";

const levels = detectorLevels(64);
const answers = {
  classCost: () => 1,
  overlap: (_cell: number, level: Level) => (level.stride === 8 ? 0.5 : 0.1),
};

describe("a box", () => {
  test("is answered for by cells near its centre only, as many as its overlaps sum to", () => {
    const assigner = new Assigner(levels);
    assigner.assign(Float32Array.of(20, 20, 36, 36), Int32Array.of(0), 0, 1, answers);
    // Nine cells of stride 8 at 0.5, the best ten sum to 4.6.
    expect(assigner.count).toBe(4);
    for (const cell of assigner.cells.subarray(0, 4)) {
      expect(cell).toBeLessThan(64);
      expect(Math.abs((cell % 8) * 8 + 4 - 28)).toBeLessThan(12);
      expect(Math.abs(Math.floor(cell / 8) * 8 + 4 - 28)).toBeLessThan(12);
    }
  });

  test("has a cell even where nothing overlaps, and at the picture's edge", () => {
    const assigner = new Assigner(levels);
    const nothing = { ...answers, overlap: () => 0 };
    assigner.assign(Float32Array.of(62, 62, 64, 64), Int32Array.of(0), 0, 1, nothing);
    expect(assigner.count).toBe(1);
  });

  test("loses a cell to another for which it costs less, and each cell answers for one box", () => {
    const assigner = new Assigner(levels);
    const cheaperSecond = {
      ...answers,
      overlap: (_: number, level: Level, label: number) => (level.stride === 8 ? 0.3 + 0.1 * label : 0),
    };
    const boxes = Float32Array.of(20, 20, 36, 36, 20, 20, 36, 36);
    assigner.assign(boxes, Int32Array.of(0, 0), 0, 2, cheaperSecond);
    const cells = [...assigner.cells.subarray(0, assigner.count)];
    expect(new Set(cells).size).toBe(cells.length);
    expect([...assigner.labels.subarray(0, assigner.count)]).toEqual(cells.map(() => 1));
  });
});

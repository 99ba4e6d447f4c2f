import { expect, test } from "bun:test";
import { l0Norm, l1Norm, l2Norm, lInfNorm, rowsByNorm } from "../../../shared/numeric/norms.ts";

test("four norms of one vector", () => {
  const vector = Float32Array.of(3, 0, -4, 0);
  expect([l0Norm(vector), l1Norm(vector), l2Norm(vector), lInfNorm(vector)]).toEqual([2, 7, 5, 4]);
});

test("every norm of nothing is 0", () => {
  for (const norm of [l0Norm, l1Norm, l2Norm, lInfNorm]) expect(norm(new Float64Array(0))).toBe(0);
});

test("a long vector of single precision is summed in double", () => {
  expect(l2Norm(new Float32Array(1_000_000).fill(0.1))).toBeCloseTo(100, 5);
});

test("a vector with a number that is not finite has no finite length", () => {
  expect(l2Norm(Float32Array.of(1, Number.NaN))).toBeNaN();
  expect(l2Norm(Float32Array.of(1, Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
});

test("rows are ordered by the norm asked for, equal ones as they came", () => {
  const rows = Float32Array.of(3, 3, 0, 5, 1, 0, 5, 0);
  const byLength = rowsByNorm(rows, 2, l2Norm);
  expect([...byLength.order]).toEqual([2, 0, 1, 3]);
  expect([...byLength.lengths]).toEqual([1, Math.sqrt(18), 5, 5]);
  expect([...rowsByNorm(rows, 2, l1Norm).order]).toEqual([2, 1, 3, 0]);
});

import { expect, test } from "bun:test";
import { HistoryKeeper } from "../../../roles/trainer/history-keeper.ts";
import { checkHistory, HISTORY_POINTS_MAX } from "../../../shared/nn/history.ts";

test("however long a training takes, its history is bounded, in order, and reaches from end to end", () => {
  const keeper = new HistoryKeeper(8);
  for (let round = 1; round <= 10_000; round++) {
    const point = { samples: 8 * round, rate: 0.001, loss: { box: 1 / round, class: 0.123456 } };
    keeper.round(point);
    if (round % 1000 === 0) keeper.scored({ ...point, map50: round / 10_000 });
  }
  const { history } = keeper;
  expect(history.length).toBeLessThanOrEqual(HISTORY_POINTS_MAX);
  expect(history.length).toBeGreaterThan(60);
  expect(history.filter(({ map50 }) => map50 !== undefined).map(({ map50 }) => map50)).toHaveLength(10);
  const samples = history.map((point) => point.samples);
  expect(samples).toEqual(samples.toSorted((a, b) => a - b));
  expect(samples[0]).toBeLessThan(2000);
  expect(samples.at(-1)).toBe(80_000);
  expect(history[0]!.loss.class).toBe(0.1235);
  expect(checkHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
});

test("a history from a file is checked: its length, its numbers, its names", () => {
  const point = { samples: 8, rate: 0.1, loss: { box: 1 } };
  for (const bad of [
    "none",
    Array.from({ length: HISTORY_POINTS_MAX + 1 }, () => point),
    [{ ...point, samples: "many" }],
    [{ ...point, loss: { box: null } }],
    [{ ...point, loss: { ["x".repeat(100)]: 1 } }],
    [null],
  ]) {
    expect(() => checkHistory(bad)).toThrow("no usable history");
  }
});

import { expect, test } from "bun:test";
import { draftOf, inside, moved, rulesOf } from "../../../roles/watcher/page/rules/draft.ts";
import { isNearNow } from "../../../roles/watcher/page/rules/near-now.ts";
import type { RulesView } from "../../../roles/watcher/view.ts";
import { Random } from "../../../shared/base/random.ts";
import { NearJudge } from "../../../shared/detect/near/near-judge.ts";
import { rulesFor } from "../../../shared/detect/near/rules.ts";
import { parseRules } from "../../../shared/detect/near/rules-file.ts";
import type { WrittenRules } from "../../../shared/detect/near/written-rules.ts";
import { Tracker } from "../../../shared/detect/tracker.ts";

const CLASSES = ["cat", "dog"];

function viewOf(own: WrittenRules, all: WrittenRules = {}): RulesView {
  return { revision: "", own, all, minHeightPercent: 6, problem: "", classes: CLASSES };
}

const SQUARE = [
  [0.1, 0.1],
  [0.9, 0.1],
  [0.9, 0.9],
] as const;

test("rules that nobody changed are written as they were", () => {
  const own: WrittenRules = {
    minHeightPercent: 8,
    zones: [{ name: "counter", polygon: SQUARE, classes: ["cat"], minHeightPercent: 3, dwellSeconds: 2 }],
    lines: [
      { name: "in", from: [0, 0], to: [1, 1], direction: "left-to-right" },
      { name: "both", from: [0, 0], to: [1, 0.5] },
    ],
    masks: [SQUARE],
    distance: {
      marks: [
        { y: 0.9, meters: 3 },
        { y: 0.5, meters: 12 },
      ],
      nearMeters: 8,
    },
    thresholds: { cat: 0.7 },
  };
  expect(rulesOf(draftOf(viewOf(own)), viewOf(own))).toEqual(own);
  expect(rulesOf(draftOf(viewOf({})), viewOf({}))).toEqual({});
});

test("a line that counts from right to left becomes the same line, turned round", () => {
  const view = viewOf({ lines: [{ name: "out", from: [0.2, 0], to: [0.8, 1], direction: "right-to-left" }] });
  expect(rulesOf(draftOf(view), view).lines).toEqual([
    { name: "out", from: [0.8, 1], to: [0.2, 0], direction: "left-to-right" },
  ]);
});

test("what the rules for all cameras say is not copied, and can be taken back", () => {
  const view = viewOf({}, { minHeightPercent: 20, masks: [SQUARE] });
  const draft = draftOf(view);
  expect(draft.minHeightPercent).toBe(20);
  expect(rulesOf(draft, view)).toEqual({});
  draft.shapes = [];
  draft.minHeightPercent = 6;
  expect(rulesOf(draft, view)).toEqual({ minHeightPercent: 6, masks: [] });
});

test("a shape that is pushed against an edge keeps its form", () => {
  const pushed = moved(SQUARE, [0.5, -0.5]);
  expect(pushed).toEqual([
    [0.2, 0],
    [1, 0],
    [1, 0.8],
  ]);
  expect(inside([1.2, -3])).toEqual([1, 0]);
});

test("what the page paints green is what the tester takes for near", () => {
  const random = new Random("near", 1);
  const share = (): number => random.unit();
  const corners = (): [number, number][] =>
    Array.from({ length: 3 + random.below(3) }, () => [share(), share()]);
  let near = 0;
  for (let i = 0; i < 2000; i++) {
    const own: WrittenRules = {
      ...(random.below(2) === 0 && { minHeightPercent: 40 * share() }),
      ...(random.below(2) === 0 && {
        zones: Array.from({ length: 1 + random.below(2) }, (_, n) => ({
          name: `zone ${n}`,
          polygon: corners(),
          ...(random.below(2) === 0 && { classes: ["dog"] }),
          ...(random.below(2) === 0 && { minHeightPercent: 40 * share() }),
        })),
      }),
      ...(random.below(3) === 0 && { masks: [corners()] }),
      ...(random.below(3) === 0 && {
        distance: {
          marks: [
            { y: 0.6 + 0.4 * share(), meters: 2 },
            { y: 0.5 * share(), meters: 10 },
          ],
          nearMeters: 12 * share(),
        },
      }),
    };
    const [x, y, w, h] = [0.7 * share(), 0.5 * share(), 0.3 * share(), 0.5 * share()];
    const box = [x, y, x + w, y + h] as const;
    const classIndex = random.below(2);
    const rules = rulesFor(parseRules(JSON.stringify({ cameras: { gate: own } }), "rules"), "gate");
    const judge = new NearJudge(rules, CLASSES, 0.06);
    const frame = { width: 1000, height: 1000 };
    const pixels = [1000 * x, 1000 * y, 1000 * (x + w), 1000 * (y + h)] as const;
    const tracker = new Tracker({ thresholds: [0.5, 0.5], lostAfterMs: 1500, historyFrames: 10 });
    const [track] = tracker.step([{ classIndex, score: 0.9, box: pixels }], 0).seen;
    const expected = !judge.isMasked(pixels, frame) && judge.judge(track!, frame, 0) !== undefined;
    near += Number(expected);
    expect(isNearNow({ className: CLASSES[classIndex]!, box }, draftOf(viewOf(own)))).toBe(expected);
  }
  expect(near).toBeGreaterThan(200);
});

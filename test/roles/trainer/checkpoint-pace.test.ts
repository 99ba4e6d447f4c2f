import { expect, test } from "bun:test";
import { CheckpointPace } from "../../../roles/trainer/checkpoint-pace.ts";

const EVERY_MS = 10_000;

/** Rounds of one length, and gatherings. @returns when each checkpoint was held */
function play(roundMs: number, gatheringMs: number, untilMs = 200_000): number[] {
  const pace = new CheckpointPace(EVERY_MS, 0);
  const heldMs: number[] = [];
  for (let nowMs = 0; nowMs < untilMs; ) {
    nowMs += roundMs;
    if (!pace.isDue(nowMs, roundMs)) continue;
    pace.gathering(nowMs);
    nowMs += gatheringMs;
    pace.held(nowMs);
    heldMs.push(nowMs);
  }
  return heldMs;
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, i) => time - times[i]!);

test("where the state is gathered in no time there is a checkpoint every ten seconds", () => {
  expect(new Set(gaps(play(500, 20)))).toEqual(new Set([10_020]));
});

test("where gathering takes long it takes no more than a tenth of the time, as long as 30 s of work at most are unsaved", () => {
  expect(new Set(gaps(play(2000, 2400)))).toEqual(new Set([24_000 + 2400]));
  for (const [roundMs, gatheringMs] of [
    [9000, 2500],
    [500, 8000],
    [14_000, 3000],
  ] as const) {
    for (const gapMs of gaps(play(roundMs, gatheringMs)))
      expect(gapMs - gatheringMs).toBeLessThanOrEqual(30_000);
  }
});

test("a round that is longer than that is saved at its end", () => {
  expect(play(40_000, 3000)).toEqual([43_000, 86_000, 129_000, 172_000, 215_000]);
});

import { expect, test } from "bun:test";
import { Liveness, PACE } from "../../../shared/net/liveness.ts";

/** Beats each second from `fromMs`; the moment the peer counts as gone. */
function goneAt(liveness: Liveness, fromMs: number): number {
  for (let nowMs = fromMs; nowMs < fromMs + 120_000; nowMs += PACE.heartbeatMs) {
    if (!liveness.beat(nowMs)) return nowMs;
  }
  return Number.POSITIVE_INFINITY;
}

test("a peer that fell silent is gone after the shortest deadline", () => {
  const liveness = new Liveness(PACE, 0);
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 1000) {
    liveness.heard(nowMs);
    expect(liveness.beat(nowMs)).toBe(true);
  }
  expect(goneAt(liveness, 61_000) - 60_000).toBeLessThanOrEqual(PACE.deadlineMsMin + PACE.heartbeatMs);
});

test("a peer that is often silent for four seconds is given longer, and never longer than the bound", () => {
  const liveness = new Liveness(PACE, 0);
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 1000) {
    if (nowMs % 4000 === 0) liveness.heard(nowMs);
    expect(liveness.beat(nowMs)).toBe(true);
  }
  expect(liveness.deadlineMs).toBeGreaterThan(12_000);
  expect(goneAt(liveness, 61_000) - 60_000).toBeLessThanOrEqual(PACE.deadlineMsMax);
});

test("longer silences are forgotten when the link is good again", () => {
  const liveness = new Liveness(PACE, 0);
  liveness.heard(4000);
  expect(liveness.deadlineMs).toBe(16_000);
  for (let nowMs = 5000; nowMs < 120_000; nowMs += 1000) {
    liveness.heard(nowMs);
    liveness.beat(nowMs);
  }
  expect(liveness.deadlineMs).toBe(PACE.deadlineMsMin);
});

test("a process that stood still itself does not blame its peer", () => {
  const liveness = new Liveness(PACE, 0);
  liveness.beat(1000);
  expect(liveness.beat(600_000)).toBe(true); // a closed lid
  expect(liveness.beat(601_000)).toBe(true);
  expect(goneAt(liveness, 602_000)).toBeLessThanOrEqual(602_000 + PACE.deadlineMsMin + PACE.heartbeatMs);
});

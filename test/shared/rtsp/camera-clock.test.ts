import { expect, test } from "bun:test";
import { CameraClock } from "../../../shared/rtsp/camera-clock.ts";

const NOW = Date.UTC(2026, 0, 1);

test("a camera's clock is known by the report that came fastest", () => {
  const clock = new CameraClock();
  expect(clock.aheadMs).toBeUndefined();
  for (const delayMs of [40, 15, 230]) clock.note(NOW + 90_000, NOW + delayMs);
  expect(clock.aheadMs).toBe(90_000 - 15);
});

test("a clock that is set anew counts from then on, and a camera without a clock has none", () => {
  const clock = new CameraClock();
  clock.note(NOW + 90_000, NOW);
  clock.note(NOW - 5000, NOW + 20);
  expect(clock.aheadMs).toBe(-5020);
  const none = new CameraClock();
  none.note(-2_208_988_800_000, NOW);
  expect(none.aheadMs).toBeUndefined();
});

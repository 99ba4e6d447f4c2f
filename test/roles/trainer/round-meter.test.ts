import { expect, test } from "bun:test";
import { RoundMeter } from "../../../roles/trainer/round-meter.ts";
import { WireChooser } from "../../../shared/training/wire-choice.ts";

const CHUNKS = 8;
const MEMBERS = ["a", "b"];

function meterOfTwo(): RoundMeter {
  const meter = new RoundMeter(4, CHUNKS);
  for (const member of MEMBERS) meter.add(member, member, "toy");
  return meter;
}

function done(meter: RoundMeter, member: string, computeMs: number, networkMs = 1): void {
  meter.done(member, { generation: 1, round: 1, checksum: 0, computeMs, networkMs, loss: {} });
}

/** Chunks of each member in the next round. */
function split(meter: RoundMeter): number[] {
  return meter.assign(1, 1, MEMBERS).map(({ count }) => count);
}

test("a worker that was late in its first round counts as no faster than that, and the next round is not waited for so long", () => {
  const meter = meterOfTwo();
  expect(split(meter)).toEqual([4, 4]);
  done(meter, "a", 400);
  expect(meter.expectedMs(1, 1, MEMBERS)).toBeUndefined();
  meter.late("b", 180_000);
  expect(meter.expectedMs(1, 1, MEMBERS)).toBeLessThan(1000);
  expect(split(meter)).toEqual([8, 0]);
});

test("a worker that is late with nothing to do, still busy with an earlier part, does not get more for it", () => {
  const meter = meterOfTwo();
  split(meter);
  done(meter, "a", 400);
  done(meter, "b", 400);
  meter.late("b", 60_000);
  expect(split(meter)).toEqual([8, 0]);
  meter.late("b", 3000);
  expect(split(meter)).toEqual([8, 0]);
  expect(meter.expectedMs(1, 1, MEMBERS)).toBeLessThan(2000);
});

test("a format is judged by the rounds that were told in it, not by those before", () => {
  const meter = meterOfTwo();
  const chooser = new WireChooser("auto");
  // Worth float16; for int8 the ring would have to take 1.33 times what computing takes.
  const [computeMs, exactRingMs] = [1000, 1100];
  for (let round = 0; round < 60; round++) {
    const ringMs = exactRingMs * { float32: 1, float16: 0.5, int8: 0.25 }[chooser.format];
    split(meter);
    for (const member of MEMBERS) done(meter, member, computeMs, ringMs);
    meter.committed(computeMs + ringMs);
    chooser.measured(meter.lastRingMs, computeMs + ringMs);
    expect(chooser.format).not.toBe("int8");
  }
  expect(chooser.format).toBe("float16");
});

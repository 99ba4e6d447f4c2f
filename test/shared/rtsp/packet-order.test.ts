import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { PacketOrder, type RtpPacket } from "../../../shared/rtsp/rtp.ts";

test("a missing packet is waited for while few have come after it, and not for long", () => {
  let nowMs = 0;
  const order = new PacketOrder(4, () => nowMs);
  const push = (sequence: number, afterMs: number) => {
    nowMs += afterMs;
    return [...order.push({ sequence } as RtpPacket)].map(({ packet, lostBefore }) => [
      packet.sequence,
      lostBefore,
    ]);
  };
  expect(push(1, 0)).toEqual([[1, 0]]);
  // A fast stream: what comes late takes its place, and after four more it is given up.
  expect([push(3, 1), push(2, 1)]).toEqual([
    [],
    [
      [2, 0],
      [3, 0],
    ],
  ]);
  expect([push(5, 1), push(6, 1), push(7, 1), push(8, 1)].flat()).toEqual([]);
  expect(push(9, 1)).toEqual([
    [5, 1],
    [6, 0],
    [7, 0],
    [8, 0],
    [9, 0],
  ]);
  // A slow one, of ten packets a second: the next pictures do not wait for sixty-four of them.
  expect([push(11, 100), push(12, 100)]).toEqual([[], []]);
  expect(push(13, 100)).toEqual([
    [11, 1],
    [12, 0],
    [13, 0],
  ]);
  expect(order.lost).toBe(2);
});

test("packets in any order within the depth come out in order, with losses counted where they are", () => {
  const random = new Random("order");
  for (let round = 0; round < 200; round++) {
    const start = random.below(65_536);
    const sent = Array.from({ length: 200 }, (_, i) => i).filter((i) => i === 0 || !random.chance(0.03));
    const shuffled = sent
      .map((i) => ({ i, at: i === 0 ? -1 : i + random.between(0, 12) }))
      .flatMap((one) => (random.chance(0.05) ? [one, { ...one, at: one.at + 3 }] : [one]))
      .sort((a, b) => a.at - b.at);
    const order = new PacketOrder(16, () => 0);
    const out = shuffled.flatMap(({ i }) => {
      const sequence = (start + i) & 0xffff;
      return [...order.push({ sequence, timestamp: i } as RtpPacket)];
    });
    let expected = 0;
    for (const { packet, lostBefore } of out) {
      expect(packet.timestamp).toBe(expected + lostBefore);
      expected = packet.timestamp + 1;
    }
    const delivered = out.map(({ packet }) => packet.timestamp);
    // What waits at the end for a missing one is not out yet.
    expect(delivered).toEqual(sent.filter((i) => i < expected));
    expect(expected).toBeGreaterThan(170);
  }
});

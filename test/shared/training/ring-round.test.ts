import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { assignChunks } from "../../../shared/training/assignment.ts";
import { type RingPiece, RingRound } from "../../../shared/training/ring-round.ts";
import { sliceOf } from "../../../shared/training/slices.ts";

/** Runs one round between `count` members in memory; pieces are delivered in a random order of links. */
function ringOf(count: number, total: number, pieceFloats: number, seed = 1) {
  const random = new Random(seed);
  const own = Array.from({ length: count }, () =>
    Float32Array.from({ length: total }, () => random.normal()),
  );
  const next = own.map(() => new Float32Array(total));
  const links: RingPiece[][] = own.map(() => []);
  let floatsSent = 0;
  const rings = own.map(
    (sum, self) =>
      new RingRound({
        count,
        self,
        sum: sum.slice(),
        next: next[self]!,
        pieceFloats,
        update: (reduced, { from, to }) => next[self]!.set(reduced.subarray(from, to), from),
        send: (piece) => {
          floatsSent += piece.values.length;
          links[(self + 1) % count]!.push(piece);
        },
      }),
  );
  for (const ring of rings) ring.start();
  for (;;) {
    const waiting = links.flatMap((link, to) => (link.length > 0 ? [to] : []));
    if (waiting.length === 0) break;
    const to = random.pick(waiting);
    rings[to]!.receive(links[to]!.shift()!);
  }
  return { own, next, rings, floatsSent };
}

test.each([1, 2, 3, 4, 7])("%i members end with the same sums, bit for bit", (count) => {
  const { own, next, rings } = ringOf(count, 101, 8);
  expect(rings.every((ring) => ring.complete)).toBe(true);
  for (const other of next) expect(other).toEqual(next[0]!);
  for (let i = 0; i < 101; i++) {
    const sum = own.reduce((so, vector) => so + vector[i]!, 0);
    expect(next[0]![i]!).toBeCloseTo(sum, 5);
  }
});

test("each member sends 2 (N - 1) / N of the vector, the least that is possible", () => {
  const { floatsSent } = ringOf(4, 1000, 64);
  expect(floatsSent).toBe(4 * ((2 * 3) / 4) * 1000);
});

test("more members than numbers is no obstacle", () => {
  const { next, rings } = ringOf(5, 3, 8);
  expect(rings.every((ring) => ring.complete)).toBe(true);
  for (const other of next) expect(other).toEqual(next[0]!);
});

test("a piece that is out of order is refused", () => {
  const { rings } = ringOf(3, 30, 4);
  const values = new Float32Array(4);
  expect(() => rings[0]!.receive({ phase: "reduce", hop: 0, offset: 0, values })).toThrow("out of order");
  expect(() => rings[0]!.receive({ phase: "gather", hop: 2, offset: 0, values })).toThrow("out of order");
});

test("slices cover the vector once", () => {
  for (const count of [1, 2, 3, 8]) {
    let at = 0;
    for (let i = 0; i < count; i++) {
      const { from, to } = sliceOf(29, count, i);
      expect(from).toBe(at);
      at = to;
    }
    expect(at).toBe(29);
  }
});

test("a member of half the speed gets half the chunks, and all chunks are given once", () => {
  expect(assignChunks(10, 6, [2, 1])).toEqual([
    { first: 10, count: 4 },
    { first: 14, count: 2 },
  ]);
  expect(assignChunks(0, 2, [1, 1, 1]).map(({ count }) => count)).toEqual([1, 1, 0]);
  expect(assignChunks(0, 4, [0, 3, 0]).reduce((sum, { count }) => sum + count, 0)).toBe(4);
});

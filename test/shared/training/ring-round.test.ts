import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { WIRE_FORMATS, type WireFormat } from "../../../shared/numeric/wire-format.ts";
import { assignChunks } from "../../../shared/training/assignment.ts";
import { type RingPiece, RingRound } from "../../../shared/training/ring-round.ts";
import { sliceOf } from "../../../shared/training/slices.ts";
import { RingNumbers } from "../../../shared/wire/messages/training.ts";

interface Ring {
  readonly count: number;
  readonly total: number;
  readonly pieceFloats?: number;
  readonly format?: WireFormat;
  readonly seed?: number;
}

/** Members in memory that play one round after the other; pieces are delivered in a random order of links. */
class Members {
  readonly weights: Float32Array[];
  readonly #unsaid: Float32Array[];
  readonly #ring: Ring;
  readonly #random: Random;
  rings: RingRound[] = [];
  sentBytes = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
    this.#random = new Random(ring.seed ?? 1);
    const zeros = () => Array.from({ length: ring.count }, () => new Float32Array(ring.total));
    this.weights = zeros();
    this.#unsaid = zeros();
  }

  /** One round in which the new weights are the old ones and the sums. */
  round(own: readonly Float32Array[]): void {
    const { count, format = "float32", pieceFloats } = this.#ring;
    const links: RingPiece[][] = own.map(() => []);
    const next = own.map((vector) => new Float32Array(vector.length));
    this.rings = own.map(
      (sum, self) =>
        new RingRound({
          count,
          self,
          sum: sum.slice(),
          weights: this.weights[self]!,
          next: next[self]!,
          format,
          unsaid: this.#unsaid[self],
          ...(pieceFloats !== undefined && { pieceFloats }),
          update: (reduced, { from, to }) => {
            for (let i = from; i < to; i++) {
              const kept = format === "float32" ? 0 : this.#unsaid[self]![i]!;
              next[self]![i] = this.weights[self]![i]! + kept + reduced[i]!;
            }
          },
          send: ({ bytes, ...rest }) => {
            this.sentBytes += RingNumbers.pack({ round: 1, bytes, ...rest }).length;
            links[(self + 1) % count]!.push({ ...rest, bytes: bytes.slice() });
          },
        }),
    );
    for (const ring of this.rings) ring.start();
    for (;;) {
      const waiting = links.flatMap((link, to) => (link.length > 0 ? [to] : []));
      if (waiting.length === 0) break;
      const to = this.#random.pick(waiting);
      this.rings[to]!.receive(links[to]!.shift()!);
    }
    this.weights.splice(0, count, ...next);
  }
}

function randomVectors(count: number, total: number, random: Random): Float32Array[] {
  return Array.from({ length: count }, () => Float32Array.from({ length: total }, () => random.normal()));
}

/** Runs one round of weights that begin as zeros: they end as the sums. */
function ringOf(count: number, total: number, pieceFloats: number) {
  const own = randomVectors(count, total, new Random(1));
  const members = new Members({ count, total, pieceFloats });
  members.round(own);
  return { own, next: members.weights, rings: members.rings };
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

test.each(WIRE_FORMATS)("a round in %s sends at most 1% more than 2 (N - 1) / N of the numbers", (format) => {
  const bytesPerNumber = { float32: 4, float16: 2, int8: 1 }[format];
  for (const count of [2, 4]) {
    const total = 100_000;
    const members = new Members({ count, total, format });
    members.round(randomVectors(count, total, new Random(2)));
    const bound = 2 * (count - 1) * total * bytesPerNumber;
    expect(members.sentBytes / bound).toBeGreaterThanOrEqual(1);
    expect(members.sentBytes / bound).toBeLessThan(1.01);
  }
});

test.each([
  ["float16", 0.01],
  ["int8", 0.2],
] as const)(
  "in %s all end with the same bits, and what is left unsaid is said later",
  (format, tolerance) => {
    const [count, total, rounds] = [3, 5000, 20];
    const random = new Random(3);
    const members = new Members({ count, total, format, seed: 4 });
    const exact = new Float64Array(total);
    let gap = 0;
    for (let round = 0; round < rounds; round++) {
      // Slopes of very different sizes beside each other, as layers have them.
      const own = randomVectors(count, total, random).map((vector) =>
        vector.map((value, i) => value * 10 ** -(Math.floor(i / 1000) + (i % 2))),
      );
      members.round(own);
      for (let i = 0; i < total; i++) exact[i]! += own.reduce((so, vector) => so + vector[i]!, 0);
      for (const other of members.weights) expect(other).toEqual(members.weights[0]!);
      gap = Math.max(...exact.map((value, i) => Math.abs(value - members.weights[0]![i]!)));
      // It does not grow with the rounds: sums of 20 rounds are off by as much as those of one.
      expect(gap).toBeLessThan(tolerance);
    }
    expect(gap).toBeGreaterThan(0);
  },
);

test("more members than numbers is no obstacle", () => {
  const { next, rings } = ringOf(5, 3, 8);
  expect(rings.every((ring) => ring.complete)).toBe(true);
  for (const other of next) expect(other).toEqual(next[0]!);
});

test("a piece that is out of order is refused", () => {
  const { rings } = ringOf(3, 30, 4);
  const bytes = new Uint8Array(16);
  expect(() => rings[0]!.receive({ phase: "reduce", hop: 0, offset: 0, bytes })).toThrow("out of order");
  expect(() => rings[0]!.receive({ phase: "gather", hop: 2, offset: 0, bytes })).toThrow("out of order");
  const fresh = new Members({ count: 2, total: 30, pieceFloats: 4 });
  expect(() => {
    fresh.round(randomVectors(2, 30, new Random(1)));
    fresh.rings[0]!.receive({ phase: "reduce", hop: 0, offset: 0, bytes });
  }).toThrow("out of order");
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

import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import type { WireFormat } from "../../../shared/numeric/wire-format.ts";
import { Replica } from "../../../shared/training/replica.ts";
import { type RingPiece, RingRound } from "../../../shared/training/ring-round.ts";
import { sliceOf } from "../../../shared/training/slices.ts";

const MEMBERS = 2;
const TOTAL = 600;

/** Weights that move by the gradient, without any state. */
function replicas(): Replica[] {
  return Array.from({ length: MEMBERS }, (_, self) => {
    const { from, to } = sliceOf(TOTAL, MEMBERS, self);
    const rule = {
      state: [],
      update(weights: Float32Array, gradient: Float32Array): void {
        for (let i = from; i < to; i++) weights[i] = weights[i]! + gradient[i]!;
      },
      merge(weights: Float32Array, move: Float32Array): void {
        rule.update(weights, move);
      },
    };
    return new Replica({ weights: new Float32Array(TOTAL), round: 0, rule, members: MEMBERS, self });
  });
}

/** One round of all, whose summands are `sums`. */
function play(all: readonly Replica[], sums: readonly Float32Array[], format: WireFormat): void {
  const links: RingPiece[][] = all.map(() => []);
  const rings = all.map(
    (replica, self) =>
      new RingRound({
        count: MEMBERS,
        self,
        sum: sums[self]!.slice(),
        weights: replica.weights,
        next: replica.next,
        format,
        unsaid: format === "float32" ? undefined : replica.unsaid("gradient"),
        update: (sum) => replica.update(sum, 0, format),
        send: ({ bytes, ...rest }) => links[(self + 1) % MEMBERS]!.push({ ...rest, bytes: bytes.slice() }),
      }),
  );
  for (const ring of rings) ring.start();
  while (links.some((link) => link.length > 0)) {
    for (const [to, link] of links.entries()) for (const piece of link.splice(0)) rings[to]!.receive(piece);
  }
  for (const replica of all) replica.complete();
}

const zeros = Array.from({ length: MEMBERS }, () => new Float32Array(TOTAL));

test.each(["int8", "float16"] as const)(
  "after rounds in %s an exact one says once what was unsaid, and no later one says it again",
  (format) => {
    const random = new Random(format, 1);
    const all = replicas();
    for (let round = 0; round < 5; round++) {
      const sums = zeros.map((vector) => vector.map(() => random.normal()));
      play(all, sums, format);
    }
    const told = all[0]!.weights.slice();
    play(all, zeros, "float32");
    const exact = all[0]!.weights.slice();
    expect(exact).not.toEqual(told);
    for (let round = 0; round < 10; round++) play(all, zeros, "float32");
    for (const { weights } of all) expect(weights).toEqual(exact);
  },
);

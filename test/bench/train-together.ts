import { optimizerRule, ownOptimizerRule } from "../../roles/worker/compute.ts";
import type { Learner } from "../../shared/learn/learner.ts";
import { OwnOptimizer, SliceOptimizer } from "../../shared/learn/slice-optimizer.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import type { WireFormat } from "../../shared/numeric/wire-format.ts";
import { assignChunks, type ChunkRange } from "../../shared/training/assignment.ts";
import { becomeMove, ownSteps } from "../../shared/training/own-steps.ts";
import { type OwnRule, Replica } from "../../shared/training/replica.ts";
import { type RingPiece, RingRound } from "../../shared/training/ring-round.ts";
import { sliceOf } from "../../shared/training/slices.ts";

export interface TogetherOptions {
  readonly members: number;
  readonly format: WireFormat;
  /** Steps that each makes by itself in a round. */
  readonly steps: number;
  /** Steps in all. */
  readonly until: number;
}

interface Member {
  readonly replica: Replica;
  readonly optimizer: SliceOptimizer;
  readonly own: OwnRule;
}

/**
 * Members of a ring in this process, with the logic of real ones: what a format or steps of their own cost in quality.
 *
 * @returns the mean of the weights, as it is evaluated, and the mean time of a ring with its conversions and updates
 */
export async function trainTogether(
  learner: Learner,
  { members, format, steps, until }: TogetherOptions,
): Promise<{ average: Float32Array; ringMs: number }> {
  const { plan, layout } = learner;
  const all = Array.from({ length: members }, (_, self): Member => {
    const { from, to } = sliceOf(layout.totalCount, members, self);
    const optimizer = new SliceOptimizer(layout, plan, from, to);
    const rule = optimizerRule(optimizer);
    const replica = new Replica({ weights: startWeights(plan), round: 0, rule, members, self });
    return { replica, optimizer, own: ownOptimizerRule(new OwnOptimizer(layout, plan)) };
  });
  let [ringMs, rounds] = [0, 0];
  for (let round = 0; round < until; ) {
    const made = Math.min(steps, until - round);
    const chunks = made * plan.chunksPerRound;
    const ranges = assignChunks(
      round * plan.chunksPerRound,
      chunks,
      all.map(() => 1),
    );
    const summands: Float32Array[] = [];
    for (const [i, member] of all.entries()) {
      summands.push(await summandOf(learner, member, ranges[i]!, { made, chunks, progress: round / until }));
    }
    const start = performance.now();
    playRing(all, summands, { made, progress: round / until, format });
    ringMs += performance.now() - start;
    for (const { replica } of all) replica.complete();
    if (new Set(all.map(({ replica }) => replica.checksum)).size > 1) throw new Error("members disagree");
    round += made;
    rounds++;
  }
  const average = new Float32Array(layout.totalCount);
  for (const { optimizer } of all) average.set(optimizer.state.average, optimizer.from);
  return { average, ringMs: ringMs / rounds };
}

/** What a member adds in the ring: gradients, or its move. */
async function summandOf(
  learner: Learner,
  { replica, own }: Member,
  range: ChunkRange,
  { made, chunks, progress }: { made: number; chunks: number; progress: number },
): Promise<Float32Array> {
  if (made === 1) return gradientSum(learner, replica.weights, range, progress, chunks);
  const weights = replica.weights.slice();
  for (const { chunks: part, after } of ownSteps(range, made)) {
    const mean = await gradientSum(learner, weights, part, progress, part.count);
    own.step(weights, mean, replica.round + after, progress);
  }
  becomeMove(weights, replica.weights, range.count / chunks);
  return weights;
}

/** The gradients of some chunks, added up and divided. */
async function gradientSum(
  learner: Learner,
  weights: Float32Array,
  { first, count }: ChunkRange,
  progress: number,
  divisor: number,
): Promise<Float32Array> {
  const sum = new Float32Array(weights.length);
  const gradient = new Float32Array(weights.length);
  for (let chunk = first; chunk < first + count; chunk++) {
    await learner.computeChunk(weights, chunk, progress, gradient);
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + gradient[i]! / divisor;
  }
  return sum;
}

function playRing(
  all: readonly Member[],
  summands: readonly Float32Array[],
  { made, progress, format }: { made: number; progress: number; format: WireFormat },
): void {
  const links: RingPiece[][] = all.map(() => []);
  const rings = all.map(
    ({ replica, own }, self) =>
      new RingRound({
        count: all.length,
        self,
        sum: summands[self]!,
        weights: replica.weights,
        next: replica.next,
        format,
        unsaid: format === "float32" ? undefined : replica.unsaid(made === 1 ? "gradient" : "move"),
        update(sum) {
          if (made === 1) replica.update(sum, progress, format);
          else replica.merge(sum, made, own, format);
        },
        send: ({ bytes, ...rest }) => links[(self + 1) % all.length]!.push({ ...rest, bytes: bytes.slice() }),
      }),
  );
  for (const ring of rings) ring.start();
  while (links.some((link) => link.length > 0)) {
    for (const [to, link] of links.entries()) for (const piece of link.splice(0)) rings[to]!.receive(piece);
  }
}

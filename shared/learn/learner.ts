import { performance } from "node:perf_hooks";
import { AppError } from "../base/errors.ts";
import type { PreparedPicture } from "../dataset/prepared.ts";
import { inputBytes, writeInput } from "../detect/input.ts";
import { PicturePredictor } from "../detect/picture-predictor.ts";
import type { Detection } from "../detect/types.ts";
import type { Engine, TrainingSession } from "../nn/engine.ts";
import type { ParameterLayout } from "../nn/graph.ts";
import { buildNetwork } from "../nn/networks/config.ts";
import type { Activations } from "../nn/quantize/activations.ts";
import { calibrate } from "../nn/quantize/calibrate.ts";
import { l2Norm } from "../numeric/norms.ts";
import { createLoss, type Loss, type LossParts } from "./loss.ts";
import { type PicturePack, packPictures } from "./picture-pack.ts";
import type { LearningPlan } from "./plan.ts";
import { type ChunkSource, InlineSource, ThreadSource } from "./preparer.ts";
import { drawPhase } from "./schedule.ts";

/** What one chunk cost and gave. */
export interface ChunkReport {
  /** Terms of the loss; they sum to it. */
  readonly parts: LossParts;
  readonly positives: number;
  /** Length of the gradient before it was shortened. */
  readonly gradientNorm: number;
  readonly computeMs: number;
  /** How long the compute stood still for want of pictures. */
  readonly waitMs: number;
}

export interface LearnerOptions {
  readonly plan: LearningPlan;
  /** Training pictures; the learner copies their pixels, so they may be let go of. A pack is shared, not copied. */
  readonly pictures: readonly PreparedPicture[] | PicturePack;
  /** Beside pictures that are no pack: pictures that the caller evaluates with; they are trained with too after the plan's `heldOutUntil`. */
  readonly heldOut?: readonly PreparedPicture[];
  /** Used, not owned: the caller closes it after the learner. */
  readonly engine: Engine;
  /** Where pictures are drawn: in a thread beside the compute, or when asked, in this one. */
  readonly prepare?: "thread" | "inline";
}

/** Below this score a detection changes no figure. */
export const EVALUATION_SCORE_MIN = 0.01;
const EVALUATION_BATCH = 8;

/**
 * Computes a run's gradients chunk by chunk. It holds no weights: the same plan, pictures, weights, chunk and progress
 * give the same gradient, whoever computes it. One call at a time.
 */
export class Learner implements AsyncDisposable {
  readonly plan: LearningPlan;
  readonly layout: ParameterLayout;
  readonly #engine: Engine;
  readonly #source: ChunkSource;
  readonly #session: TrainingSession;
  readonly #loss: Loss;
  #expected: { chunk: number; progress: number } | undefined;

  /** @internal use `openLearner` */
  constructor(
    plan: LearningPlan,
    layout: ParameterLayout,
    engine: Engine,
    source: ChunkSource,
    session: TrainingSession,
  ) {
    this.plan = plan;
    this.layout = layout;
    this.#engine = engine;
    this.#source = source;
    this.#session = session;
    this.#loss = createLoss(plan.network, plan.chunkSize);
  }

  /**
   * Says which chunk will be asked for after the next one, so that its pictures are drawn meanwhile. Without it the
   * learner guesses that chunks follow each other.
   */
  expect(chunk: number, progress: number): void {
    this.#expected = { chunk, progress };
  }

  /**
   * @param weights the whole vector in the network's layout; read only
   * @param chunk counted from the run's start
   * @param progress share of the run that is done, 0 to 1
   * @param gradient filled: the slope of the chunk's mean loss, at most `gradientNormMax` long; in the places of the
   *                 running statistics the chunk's own mean and variance
   */
  async computeChunk(
    weights: Float32Array,
    chunk: number,
    progress: number,
    gradient: Float32Array,
  ): Promise<ChunkReport> {
    const start = performance.now();
    const { pixels, targets } = await this.#source.get(chunk, drawPhase(this.plan, progress));
    const ready = performance.now();
    const next = this.#expected ?? { chunk: chunk + 1, progress };
    this.#expected = undefined;
    this.#source.expect(next.chunk, drawPhase(this.plan, next.progress));

    const report = await this.#session.trainStep(
      weights,
      pixels,
      (outputs) => this.#loss.compute(outputs, targets),
      gradient,
    );
    const slopes = gradient.subarray(0, this.layout.trainedCount);
    const gradientNorm = shorten(slopes, this.plan.optimizer.gradientNormMax);
    return { ...report, gradientNorm, computeMs: performance.now() - ready, waitMs: ready - start };
  }

  /**
   * What a network with these weights sees in `pictures`, at nearly no threshold; for metrics and for thresholds.
   *
   * @param activations to compute in 8 bits, where the engine can
   * @returns for each picture, boxes in pixels of the prepared picture
   */
  async evaluate(
    weights: Float32Array,
    pictures: readonly PreparedPicture[],
    activations?: Activations,
  ): Promise<Detection[][]> {
    const { network, classes } = this.plan;
    await using predictor = await PicturePredictor.open(this.#engine, network, weights, {
      batch: EVALUATION_BATCH,
      activations,
    });
    return await predictor.detect(
      pictures.map(({ picture }) => picture),
      classes.map(() => EVALUATION_SCORE_MIN),
    );
  }

  /** How the values of a network with these weights lie in 8 bits, as far as `pictures` show. */
  calibrate(weights: Float32Array, pictures: readonly PreparedPicture[]): Promise<Activations> {
    const { network } = this.plan;
    const input = new Uint8Array(inputBytes(network));
    const inputs = function* (): Generator<Uint8Array> {
      for (const { picture } of pictures) {
        writeInput(network, picture, input);
        yield input;
      }
    };
    return calibrate(this.#engine, buildNetwork(network), weights, inputs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
    await this.#session[Symbol.asyncDispose]();
  }
}

/** Throws `input` where the pictures do not fit in memory, or have labels of classes that the plan does not know. */
export async function openLearner({
  plan,
  pictures,
  heldOut,
  engine,
  prepare,
}: LearnerOptions): Promise<Learner> {
  const network = buildNetwork(plan.network);
  const pack = "pixels" in pictures ? pictures : packPictures(pictures, heldOut);
  const isKnown = ({ classIndex }: { classIndex: number }) => classIndex < plan.classes.length;
  if (!pack.pictures.every(({ labels }) => labels.every(isKnown)))
    throw new AppError(
      "input",
      `the pictures have labels of more than the plan's ${plan.classes.length} classes`,
    );
  const session = await engine.trainer(network, { batch: plan.chunkSize });
  const source = prepare === "inline" ? new InlineSource(plan, pack) : new ThreadSource(plan, pack);
  return new Learner(plan, network.parameters, engine, source, session);
}

/**
 * Scales a vector down to an l2 length of at most `most`; returns the length it had. A vector that is not finite
 * becomes 0: one bad chunk must not end a run of hours.
 */
function shorten(vector: Float32Array, most: number): number {
  const length = l2Norm(vector);
  if (!Number.isFinite(length)) vector.fill(0);
  else if (length > most) {
    const factor = most / length;
    for (let i = 0; i < vector.length; i++) vector[i]! *= factor;
  }
  return length;
}

import type { Log } from "../../shared/base/log.ts";
import { VERSION } from "../../shared/base/version.ts";
import type { LearningPlan } from "../../shared/learn/plan.ts";
import {
  encodeModelFile,
  type LearntSizes,
  type ModelInfo,
  type PeopleLooks,
} from "../../shared/nn/model-file.ts";
import type { NetworkKind } from "../../shared/nn/networks/config.ts";
import type { ModelRegistry } from "../../shared/store/models.ts";
import type { TrainingOptions } from "../../shared/training/options.ts";
import type { ModelCard } from "../../shared/wire/messages/models.ts";
import type { Scores } from "../../shared/wire/messages/training.ts";
import { modelThresholds } from "./model-thresholds.ts";
import type { Learnt } from "./training-run.ts";

/** Weights worth less than this would only fill a log with wrong things. */
const EARLY_MAP50_MIN = 0.1;

/**
 * The versions of a model that one job makes: the one at its end, and where the client asks for it, early ones that
 * are in use while the job still learns. Early ones go when the job ends, not when the trainer stops and will go on with
 * it, and none is made where a whole version of that name is in use already: it would be replaced by a worse one.
 */
export class JobModels implements Disposable {
  readonly #name: string;
  readonly #plan: LearningPlan;
  readonly #options: TrainingOptions;
  readonly #learntSizes: LearntSizes | undefined;
  readonly #looks: PeopleLooks | undefined;
  readonly #parent: string | undefined;
  readonly #registry: ModelRegistry;
  readonly #log: Log;
  readonly #onModel: (card: ModelCard) => void;
  readonly #mayBeEarly: boolean;
  readonly #early: ModelCard[];
  readonly #stop: AbortSignal;
  /** Of the best early version, where there is one. */
  #earlyMap50: number | undefined;
  #kept: ModelCard | undefined;

  constructor(parts: {
    /** What the client calls the model. */
    readonly name: string;
    readonly plan: LearningPlan;
    readonly options: TrainingOptions;
    readonly learntSizes: LearntSizes | undefined;
    readonly looks: PeopleLooks | undefined;
    /** The model that the job began with. */
    readonly parent: string | undefined;
    readonly registry: ModelRegistry;
    readonly log: Log;
    /** A version is in the registry. */
    readonly onModel: (card: ModelCard) => void;
    /** The trainer stops; its next start goes on with the job. */
    readonly stop: AbortSignal;
  }) {
    this.#name = parts.name;
    this.#plan = parts.plan;
    this.#options = parts.options;
    this.#learntSizes = parts.learntSizes;
    this.#looks = parts.looks;
    this.#parent = parts.parent;
    this.#registry = parts.registry;
    this.#log = parts.log;
    this.#onModel = parts.onModel;
    this.#stop = parts.stop;
    const known = parts.registry.list().filter(({ name }) => name === parts.name);
    // Those that are early are of this very job, which a trainer that was stopped had begun.
    this.#early = known.filter(isEarly);
    if (this.#early.length > 0) this.#earlyMap50 = Math.max(...this.#early.map(map50Of));
    this.#mayBeEarly = parts.options.early === true && this.#early.length === known.length;
  }

  /** Of what network they are. */
  get kind(): NetworkKind {
    return this.#plan.network.kind;
  }

  /** Makes an early version of weights that are better than all before. */
  offer(learnt: Learnt & { readonly scores: Scores }): void {
    const { map50 } = learnt.scores;
    const isBetter = this.#earlyMap50 === undefined ? map50 >= EARLY_MAP50_MIN : map50 > this.#earlyMap50;
    if (!this.#mayBeEarly || !isBetter) return;
    this.#earlyMap50 = map50;
    try {
      const card = this.#add(learnt, true);
      this.#early.push(card);
      this.#log.info("an early model", { model: `${card.name} v${card.version}`, map50 });
      this.#onModel(card);
    } catch (error) {
      // The training goes on; there will be another.
      this.#log.warn("an early model could not be saved", { error });
    }
  }

  /**
   * Keeps what the job has learnt, once. Throws `data-loss` when it cannot be saved; it may be tried again, also where
   * something else of the job could not be saved after it.
   */
  keep(learnt: Learnt): ModelCard {
    if (this.#kept === undefined) {
      this.#kept = this.#add(learnt, false);
      this.#onModel(this.#kept);
    }
    return this.#kept;
  }

  /** Forgets the early versions, unless the job goes on. Whoever uses one goes on until a newer comes. */
  [Symbol.dispose](): void {
    if (this.#stop.aborted && this.#kept === undefined) return;
    for (const card of this.#early.splice(0)) {
      try {
        this.#registry.remove(card);
      } catch (error) {
        this.#log.warn("an early model stays", { model: `${card.name} v${card.version}`, error });
      }
    }
  }

  #add(learnt: Learnt, early: boolean): ModelCard {
    const info = (version: number): ModelInfo => this.#info(learnt, version, early);
    const { metrics, lineage } = info(0);
    return this.#registry.add(this.#name, (version) => encodeModelFile(info(version), learnt.weights), {
      classes: this.#plan.classes,
      info: JSON.stringify({ metrics, lineage, network: this.#plan.network }),
      createdMs: lineage.createdMs,
    });
  }

  #info(
    { scores, testScores, levels, samples, seconds, history }: Learnt,
    version: number,
    early: boolean,
  ): ModelInfo {
    const { network, classes, seed } = this.#plan;
    const shown = testScores ?? scores;
    const metrics: Record<string, number> = {};
    if (shown !== undefined) {
      const { map50, map, precision, recall, accuracy, images } = shown;
      Object.assign(metrics, { map50, map, precision, recall, accuracy, images });
    }
    if (scores !== undefined && testScores !== undefined) metrics.asideMap50 = scores.map50;
    return {
      name: this.#name,
      version,
      network,
      classes,
      thresholds: modelThresholds(this.#plan, scores),
      metrics,
      ...(this.#learntSizes !== undefined && { learntSizes: this.#learntSizes }),
      ...(this.#looks !== undefined && { looks: this.#looks }),
      lineage: {
        dataset: this.#options.dataset ?? "",
        samples,
        seconds: Math.round(seconds),
        seed,
        ...(this.#parent !== undefined && { parent: this.#parent }),
        ...(early && { early }),
        createdMs: Date.now(),
        program: `vigia ${VERSION}`,
      },
      format: "float32",
      ...(levels.length > 0 && { levels }),
      history,
    };
  }
}

function isEarly({ info }: ModelCard): boolean {
  return (JSON.parse(info) as { lineage: ModelInfo["lineage"] }).lineage.early === true;
}

function map50Of({ info }: ModelCard): number {
  return (JSON.parse(info) as { metrics: ModelInfo["metrics"] }).metrics.map50 ?? 0;
}

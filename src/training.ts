import type { ArgsDef } from "citty";
import { systemClock } from "../shared/base/clock.ts";
import { AppError, errorKind } from "../shared/base/errors.ts";
import { OWN_STEPS_MAX } from "../shared/base/limits.ts";
import type { Progress } from "../shared/base/progress.ts";
import { Random } from "../shared/base/random.ts";
import { backoffMs } from "../shared/base/retry.ts";
import { countText } from "../shared/base/text.ts";
import { onAbort, throwIfAborted } from "../shared/base/wait.ts";
import { readDataset } from "../shared/dataset/read.ts";
import { type DatasetStatistics, datasetStatistics } from "../shared/dataset/statistics.ts";
import type { Dataset } from "../shared/dataset/types.ts";
import { chooseInputSide, INPUT_SIDE_PX } from "../shared/learn/input-choice.ts";
import { planFor } from "../shared/learn/plan.ts";
import type { Connection } from "../shared/net/connection.ts";
import { readModelBytes, readModelInfo } from "../shared/nn/model-file.ts";
import { NETWORK_KINDS } from "../shared/nn/networks/config.ts";
import { DETECTOR_WIDTHS, type DetectorVariant } from "../shared/nn/networks/detector.ts";
import { noteText } from "../shared/training/job-words.ts";
import { planOptions, type TrainingOptions } from "../shared/training/options.ts";
import { JobClient, type JobNews, type SubmitProgress } from "../shared/training/submit.ts";
import { WIRE_CHOICES } from "../shared/training/wire-choice.ts";
import type { JobStatus } from "../shared/wire/messages/job-status.ts";
import { choiceFlag, numberFlag, wholeFlag } from "./flags.ts";
import { misfitOf } from "./network-fit.ts";
import { type CommandContext, type Flags, isSet, neededText, textOf } from "./shell.ts";

/** What `train` and `submit` share: the flags of training, handing in a data set, and following the job. */

export const TRAINING_FLAGS = {
  network: { type: "string", valueHint: NETWORK_KINDS.join("|"), description: "What learns (detector)." },
  size: {
    type: "string",
    valueHint: "PX",
    description:
      "Side of the pictures that it looks at (320, or more for small objects; 224 for single-box). Half is four times as fast.",
  },
  variant: {
    type: "string",
    valueHint: "small|normal|large",
    description:
      "How wide a detector is: small is faster, large slower; vigia doctor --size PX measures them here (normal).",
  },
  hidden: {
    type: "string",
    valueHint: "N",
    description: "Neurons of the hidden layer, for --network mlp (64).",
  },
  epochs: {
    type: "string",
    valueHint: "N",
    description: "Passes over the pictures (until 40,000 are seen; single-box 20,000, mlp 16,000).",
  },
  minutes: { type: "string", valueHint: "M", description: "Training time, instead of epochs." },
  seed: {
    type: "string",
    valueHint: "S",
    description: "Starts the random numbers; the same gives the same (1).",
  },
  wire: {
    type: "string",
    valueHint: WIRE_CHOICES.join("|"),
    description:
      "How workers send each other numbers: float16 and int8 for slow networks (auto: as measured).",
  },
  "local-steps": {
    type: "string",
    valueHint: `auto|1..${OWN_STEPS_MAX}`,
    description:
      "Steps that each worker makes by itself before they average, for very slow networks (auto: as measured; 1 where --wire says a format).",
  },
  init: { type: "string", valueHint: "FILE.onnx", description: "A model to start from." },
  strict: { type: "boolean", description: "A defect of the data set is an error." },
} as const satisfies ArgsDef;

const DETECTOR_VARIANTS = Object.keys(DETECTOR_WIDTHS) as DetectorVariant[];

/** The training options that the flags ask for. Throws `usage`. */
export function trainingOptions(flags: Flags, dataset: string): TrainingOptions {
  const sizePx = wholeFlag("size", textOf(flags, "size"), 32, 1280);
  const epochs = numberFlag("epochs", textOf(flags, "epochs"), 0.01, 100_000);
  const minutes = numberFlag("minutes", textOf(flags, "minutes"), 0.01, 100_000);
  const seed = wholeFlag("seed", textOf(flags, "seed"), 0, 2 ** 32 - 1);
  const variant = textOf(flags, "variant");
  const wire = textOf(flags, "wire");
  const steps = textOf(flags, "local-steps");
  const localSteps = steps === "auto" ? steps : wholeFlag("local-steps", steps, 1, OWN_STEPS_MAX);
  const hidden = wholeFlag("hidden", textOf(flags, "hidden"), 1, 4096);
  const options: TrainingOptions = {
    ...(variant !== undefined && { variant: choiceFlag("variant", variant, DETECTOR_VARIANTS) }),
    ...(hidden !== undefined && { hidden }),
    ...(wire !== undefined && { wire: choiceFlag("wire", wire, WIRE_CHOICES) }),
    ...(localSteps !== undefined && { localSteps }),
    network: choiceFlag("network", textOf(flags, "network") ?? "detector", NETWORK_KINDS),
    dataset: dataset.split(/[/\\]/).filter(Boolean).at(-1) ?? dataset,
    ...(sizePx !== undefined && { sizePx }),
    ...(epochs !== undefined && { epochs }),
    ...(minutes !== undefined && { minutes }),
    ...(seed !== undefined && { seed }),
    ...(isSet(flags, "early") && { early: true }),
  };
  // Whatever the data set, these must go together; the trainer plans with the real one.
  planFor(planOptions(options), { classes: ["one", "two"], pictures: 1000 });
  return options;
}

/** A data set as it is handed in, with what the flags ask for. */
export interface TrainingSet {
  readonly dataset: Dataset;
  readonly options: TrainingOptions;
  readonly initPath?: string;
}

/** Reads the data set that the flags name. Throws `usage` and `input`: before a trainer is asked for anything. */
export async function readForTraining(
  flags: Flags,
  progress: Progress,
  { signal, log }: CommandContext,
): Promise<TrainingSet> {
  const root = neededText(flags, "dataset");
  const options = trainingOptions(flags, root);
  const initPath = textOf(flags, "init");
  const dataset = await readDataset(root, { strict: isSet(flags, "strict"), log, signal });
  const statistics = datasetStatistics(dataset);
  const misfit = misfitOf(options.network, statistics);
  if (misfit !== undefined) log.warn(misfit);
  return initPath === undefined
    ? { dataset, options: withInputSide(options, statistics, progress) }
    : { dataset, options: await likeModel(options, initPath), initPath };
}

/** Hands a data set to the trainer; returns the job's number. */
export async function handIn(
  client: JobClient,
  name: string,
  set: TrainingSet,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<number> {
  const show = ({ stage, done, total }: SubmitProgress): void =>
    progress.show({ stage: `${stage} pictures`, share: done / total, detail: `${done} of ${total}` });
  return await client.submit({ name, ...set }, show, signal);
}

/** Where no size is given, a detector gets the one that the objects ask for, and this is said. */
export function withInputSide(
  options: TrainingOptions,
  statistics: DatasetStatistics,
  progress: Progress,
): TrainingOptions {
  if (options.network !== "detector" || options.sizePx !== undefined) return options;
  const { sidePx, smallest } = chooseInputSide(statistics, options.minutes);
  if (sidePx === INPUT_SIDE_PX || smallest === undefined) return options;
  const times = ((sidePx / INPUT_SIDE_PX) ** 2).toFixed(1);
  progress.say(
    `input ${sidePx} px: half of ${JSON.stringify(smallest.name)} are under ${smallest.sidePx.toFixed(0)} px at ` +
      `${INPUT_SIDE_PX} px; a picture takes ${times} times as long (--size ${INPUT_SIDE_PX} for the usual)`,
  );
  return { ...options, sizePx: sidePx };
}

/** What the flags leave open is as in the model to start from: weights of another width could not be taken over. */
export async function likeModel(options: TrainingOptions, path: string): Promise<TrainingOptions> {
  const { network } = readModelInfo(await readModelBytes(path));
  if (network.kind !== options.network) return options;
  switch (network.kind) {
    case "detector":
      return { sizePx: network.size, variant: network.variant, ...options };
    case "single-box":
      return { sizePx: network.size, ...options };
    case "mlp":
      return { hidden: network.hidden, ...options };
  }
}

/** A job of ours, and the link to ask about it. */
export interface FollowedJob {
  readonly client: JobClient;
  readonly jobId: number;
  /** Makes a new link when the trainer goes away and comes back; without it that ends the command. */
  readonly dial?: () => Promise<Connection>;
}

/**
 * Follows a job to its end, with its progress on standard error. Ctrl-C ends the job and keeps what it has learnt.
 *
 * @param onNews called with everything that is heard, for `--json`
 * @throws {AppError} when the job fails or ends without a model
 */
export async function followJob(
  { client, jobId, dial }: FollowedJob,
  progress: Progress,
  { signal, log }: CommandContext,
  onNews: (news: JobNews) => void = () => {},
): Promise<JobNews> {
  let asked = client;
  using _abort = onAbort(signal, () => {
    progress.say("ending the training: the best weights so far become the model");
    asked.cancel(jobId, { keepBest: true }).catch(() => {});
  });
  for (const random = new Random("follow", jobId); ; ) {
    try {
      return await followUntilEnd(asked, jobId, progress, onNews);
    } catch (error) {
      if (dial === undefined || errorKind(error) !== "unavailable") throw error;
      log.warn("the trainer is away: the job goes on when it is back", { error });
    }
    for (let failures = 1; ; failures++) {
      await systemClock.sleep(backoffMs(failures, random), signal);
      throwIfAborted(signal, "stopped while the trainer was away; the job is still in its queue");
      try {
        asked = new JobClient(await dial(), log);
        break;
      } catch (error) {
        if (errorKind(error) !== "unavailable") throw error;
      }
    }
  }
}

async function followUntilEnd(
  client: JobClient,
  jobId: number,
  progress: Progress,
  onNews: (news: JobNews) => void,
): Promise<JobNews> {
  let last: JobNews | undefined;
  let scored: number | undefined;
  for await (const news of client.follow(jobId)) {
    last = news;
    onNews(news);
    const { state, map50 } = news.status;
    if (state === "training" && map50 !== undefined && map50 !== scored) {
      scored = map50;
      progress.say(scoreLine(news.status));
    }
    if (state !== "done") progress.show(stateOfJob(news));
  }
  const status = last?.status;
  if (last === undefined || status?.state !== "done") {
    const note = noteText(status?.note);
    const why = note === "" ? "" : `: ${note}`;
    const kind = status?.state === "cancelled" ? "cancelled" : "input";
    throw new AppError(kind, `training ${status?.state ?? "ended"}${why}`);
  }
  return last;
}

/** A line that stays: how good the weights were when they were last scored, and what the loss consists of. */
export function scoreLine({
  epoch,
  loss,
  map50 = 0,
  bestMap50 = 0,
}: Pick<JobStatus, "epoch" | "loss" | "map50" | "bestMap50">): string {
  const parts = Object.entries(loss).map(([name, part]) => `${name} ${part.toFixed(2)}`);
  const best =
    map50 < 0.0005
      ? ", nothing found yet"
      : map50 >= bestMap50
        ? ", the best so far"
        : `, best so far ${bestMap50.toFixed(3)}`;
  // A trainer that was started again has not heard of a loss yet.
  const losses = parts.length === 0 ? "" : `; loss: ${parts.join(", ")}`;
  return `  epoch ${epoch.toFixed(1)}: mAP50 ${map50.toFixed(3)} on pictures kept aside${best}${losses}`;
}

function stateOfJob({ status }: JobNews): Parameters<Progress["show"]>[0] {
  const { state, progress, imagesPerSecond, workers, bestMap50, loss, note, epoch, epochs } = status;
  const parts = [];
  const isTraining = state === "training";
  if (isTraining && epochs > 0) parts.push(`epoch ${epoch.toFixed(1)} of ${epochs.toFixed(0)}`);
  // What matters most first: a narrow terminal cuts the end off.
  if (bestMap50 !== undefined) parts.push(`best mAP50 ${bestMap50.toFixed(3)}`);
  const sum = Object.values(loss).reduce((so, part) => so + part, 0);
  if (isTraining && sum > 0) parts.push(`loss ${sum.toFixed(2)}`);
  if (isTraining && imagesPerSecond > 0) parts.push(`${imagesPerSecond.toFixed(1)} pictures/s`);
  if (workers.length > 0) parts.push(countText(workers.length, "worker"));
  if (note !== undefined) parts.push(noteText(note));
  else if (state === "queued") parts.push("waiting its turn");
  return {
    stage: state,
    share: state === "training" ? progress : undefined,
    detail: parts.join(", "),
    timeLeftMs: status.timeLeftMs,
  };
}

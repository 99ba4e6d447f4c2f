import { AppError } from "../base/errors.ts";
import { NAME_LENGTH_MAX } from "../base/limits.ts";
import type { NetworkChoice, PlanOptions } from "../learn/plan.ts";
import { NETWORK_KINDS, type NetworkKind } from "../nn/networks/config.ts";
import { DETECTOR_WIDTHS, type DetectorVariant } from "../nn/networks/detector.ts";
import { isStepsChoice, type StepsChoice, WIRE_CHOICES, type WireChoice } from "./wire-choice.ts";

/** What a client asks of a training job; travels as JSON. */
export interface TrainingOptions {
  readonly network: NetworkKind;
  /** Input side in pixels. */
  readonly sizePx?: number;
  /** Detectors only: how wide the network is. */
  readonly variant?: DetectorVariant;
  /** Face networks only: neurons of the hidden layer. */
  readonly hidden?: number;
  readonly epochs?: number;
  readonly minutes?: number;
  readonly seed?: number;
  readonly chunkSize?: number;
  readonly chunksPerRound?: number;
  /** How the ring's numbers travel; `auto` where it is not said. */
  readonly wire?: WireChoice;
  /** Steps that each worker makes by itself before weights are averaged; as `wire` where it is not said. */
  readonly localSteps?: StepsChoice;
  /** Hash of the model file to start from; it travels as a blob. */
  readonly init?: string;
  /** What the data set is called, for the model's lineage. */
  readonly dataset?: string;
  /** Versions of the model are to be had while it still learns, where there is none of that name yet. */
  readonly early?: boolean;
}

/** Checks options that came from a peer. Ranges that depend on the network are the plan's to check. Throws `usage`. */
export function checkTrainingOptions(value: Readonly<Record<string, unknown>>): TrainingOptions {
  const network = NETWORK_KINDS.find((kind) => kind === value.network);
  if (network === undefined) throw bad("network", value.network);
  const number = (name: string): Record<string, number> => {
    const given = value[name];
    if (given === undefined) return {};
    if (typeof given !== "number" || !Number.isFinite(given)) throw bad(name, given);
    return { [name]: given };
  };
  const text = (name: string): Record<string, string> => {
    const given = value[name];
    if (given === undefined) return {};
    if (typeof given !== "string" || given.length > NAME_LENGTH_MAX) throw bad(name, given);
    return { [name]: given };
  };
  const numbers = ["sizePx", "hidden", "epochs", "minutes", "seed", "chunkSize", "chunksPerRound"].map(
    number,
  );
  const texts = [text("init"), text("dataset"), text("variant"), text("wire")];
  if (value.early !== undefined && typeof value.early !== "boolean") throw bad("early", value.early);
  const { localSteps } = value;
  if (localSteps !== undefined && !isStepsChoice(localSteps)) throw bad("localSteps", localSteps);
  const steps = localSteps === undefined ? {} : { localSteps };
  const early = value.early === true ? { early: true } : {};
  const options = Object.assign({ network }, ...numbers, ...texts, steps, early) as TrainingOptions;
  if (options.init !== undefined && !/^[0-9a-f]{64}$/.test(options.init)) throw bad("init", options.init);
  if (options.wire !== undefined && !WIRE_CHOICES.includes(options.wire)) throw bad("wire", options.wire);
  if (options.variant !== undefined && !Object.hasOwn(DETECTOR_WIDTHS, options.variant)) {
    throw bad("variant", options.variant);
  }
  return options;
}

/** The same, as `planFor` takes it. */
export function planOptions(options: TrainingOptions): PlanOptions {
  const { seed, epochs, minutes, chunkSize, chunksPerRound } = options;
  return {
    network: networkChoice(options),
    ...(seed !== undefined && { seed }),
    ...(epochs !== undefined && { epochs }),
    ...(minutes !== undefined && { minutes }),
    ...(chunkSize !== undefined && { chunkSize }),
    ...(chunksPerRound !== undefined && { chunksPerRound }),
  };
}

/** Each kind takes what it knows; a flag that says nothing to the network is refused, not passed over. */
function networkChoice({ network: kind, sizePx, variant, hidden }: TrainingOptions): NetworkChoice {
  if (variant !== undefined && kind !== "detector") throw bad("variant", variant);
  if (hidden !== undefined && kind !== "mlp") throw bad("hidden", hidden);
  if (kind === "mlp") return { kind, ...(hidden !== undefined && { hidden }) };
  const size = sizePx === undefined ? {} : { size: sizePx };
  return kind === "detector"
    ? { kind, ...size, ...(variant !== undefined && { variant }) }
    : { kind, ...size };
}

function bad(name: string, value: unknown): AppError {
  return new AppError("usage", `training option ${name} is ${JSON.stringify(value)?.slice(0, 80)}`);
}

import { AppError } from "../base/errors.ts";
import { NAME_LENGTH_MAX } from "../base/limits.ts";
import type { PlanOptions } from "../learn/plan.ts";
import { NETWORK_KINDS, type NetworkKind } from "../nn/networks/config.ts";

/** What a client asks of a training job; travels as JSON. */
export interface TrainingOptions {
  readonly network: NetworkKind;
  /** Input side in pixels. */
  readonly sizePx?: number;
  readonly epochs?: number;
  readonly minutes?: number;
  readonly seed?: number;
  readonly chunkSize?: number;
  readonly chunksPerRound?: number;
  /** Hash of the model file to start from; it travels as a blob. */
  readonly init?: string;
  /** What the data set is called, for the model's lineage. */
  readonly dataset?: string;
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
  const numbers = ["sizePx", "epochs", "minutes", "seed", "chunkSize", "chunksPerRound"].map(number);
  const options = Object.assign({ network }, ...numbers, text("init"), text("dataset")) as TrainingOptions;
  if (options.init !== undefined && !/^[0-9a-f]{64}$/.test(options.init)) throw bad("init", options.init);
  return options;
}

/** The same, as `planFor` takes it. */
export function planOptions(options: TrainingOptions): PlanOptions {
  const { network: kind, sizePx, seed, epochs, minutes, chunkSize, chunksPerRound } = options;
  return {
    network: kind === "mlp" ? { kind } : { kind, ...(sizePx !== undefined && { size: sizePx }) },
    ...(seed !== undefined && { seed }),
    ...(epochs !== undefined && { epochs }),
    ...(minutes !== undefined && { minutes }),
    ...(chunkSize !== undefined && { chunkSize }),
    ...(chunksPerRound !== undefined && { chunksPerRound }),
  };
}

function bad(name: string, value: unknown): AppError {
  return new AppError("usage", `training option ${name} is ${JSON.stringify(value)?.slice(0, 80)}`);
}

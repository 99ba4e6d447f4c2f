import { AppError } from "../base/errors.ts";

/** How a training stood after so many samples. */
export interface HistoryPoint {
  /** Training pictures seen by then, repeats counted. */
  readonly samples: number;
  /** The learning rate. */
  readonly rate: number;
  /** Parts of the loss by name, smoothed over the last rounds. */
  readonly loss: Readonly<Record<string, number>>;
  /** On the pictures kept aside, where the weights were scored just then. */
  readonly map50?: number;
}

/** How a training went, in the order of its samples; bounded, so that it travels in the model's metadata. */
export type History = readonly HistoryPoint[];

export const HISTORY_POINTS_MAX = 240;
const LOSS_PARTS_MAX = 16;
const NAME_LENGTH_MAX = 40;

/**
 * Checks a history that came with a file.
 *
 * @throws {AppError} `input`
 */
export function checkHistory(value: unknown): History {
  if (!Array.isArray(value) || value.length > HISTORY_POINTS_MAX) throw bad();
  return value.map((one: unknown) => {
    const { samples, rate, loss, map50 } = (one ?? {}) as Partial<Record<keyof HistoryPoint, unknown>>;
    if (typeof loss !== "object" || loss === null) throw bad();
    const parts = Object.entries(loss as Record<string, unknown>);
    if (parts.length > LOSS_PARTS_MAX || parts.some(([name]) => name.length > NAME_LENGTH_MAX)) throw bad();
    return {
      samples: finite(samples),
      rate: finite(rate),
      loss: Object.fromEntries(parts.map(([name, part]) => [name, finite(part)])),
      ...(map50 !== undefined && { map50: finite(map50) }),
    };
  });
}

function finite(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw bad();
  return value;
}

function bad(): AppError {
  return new AppError("input", "the model's metadata has no usable history");
}

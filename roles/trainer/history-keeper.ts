import { HISTORY_POINTS_MAX, type History, type HistoryPoint } from "../../shared/nn/history.ts";

/** Points without a score, at most; then every other one goes, and points are kept half as often. */
const PLAIN_MAX = HISTORY_POINTS_MAX / 2;
const SCORED_MAX = HISTORY_POINTS_MAX / 2;

/** Writes down how a training goes: points evenly over its samples however long it takes, and every score. */
export class HistoryKeeper {
  #plain: HistoryPoint[] = [];
  #scored: HistoryPoint[] = [];
  #everySamples: number;

  /** @param everySamples the samples between two points at first: a round's */
  constructor(everySamples: number) {
    this.#everySamples = Math.max(1, everySamples);
  }

  /** A round is done. */
  round(point: HistoryPoint): void {
    if (point.samples < (this.#plain.at(-1)?.samples ?? 0) + this.#everySamples) return;
    this.#plain.push(short(point));
    if (this.#plain.length < PLAIN_MAX) return;
    this.#plain = this.#plain.filter((_, i) => i % 2 === 1);
    this.#everySamples *= 2;
  }

  /** The weights were scored. */
  scored(point: HistoryPoint & { readonly map50: number }): void {
    if (this.#scored.length < SCORED_MAX) this.#scored.push(short(point));
  }

  get history(): History {
    return [...this.#plain, ...this.#scored].sort((a, b) => a.samples - b.samples);
  }
}

/** Four digits: nobody sees more on a chart. */
function short({ samples, rate, loss, map50 }: HistoryPoint): HistoryPoint {
  const four = (value: number): number => Number(value.toPrecision(4));
  return {
    samples,
    rate: four(rate),
    loss: Object.fromEntries(Object.entries(loss).map(([name, part]) => [name, four(part)])),
    ...(map50 !== undefined && { map50: four(map50) }),
  };
}

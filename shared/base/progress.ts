import { durationText } from "./text.ts";

/** Characters of the bar. */
const BAR_WIDTH = 24;
/** Without a terminal, a line at most this often. */
const PLAIN_EVERY_MS = 10_000;
/** On a terminal, the line is drawn at most this often. */
const DRAW_EVERY_MS = 100;

/** How far a long job is. */
export interface ProgressState {
  /** What is being done, in a few words. A change of it begins a new line. */
  readonly stage: string;
  /** 0 to 1; absent when nobody can know. */
  readonly share?: number | undefined;
  /** Rates and counts for people: `62 pictures/s, loss 1.8`. */
  readonly detail?: string | undefined;
  readonly timeLeftMs?: number | undefined;
}

/**
 * Shows a long job's progress on standard error: a bar that moves on a terminal, and elsewhere (a pipe, a log) a
 * plain line at each new stage and every ten seconds.
 */
export class Progress implements Disposable {
  readonly #isTerminal: boolean;
  readonly #write: (text: string) => void;
  #stage = "";
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #drawn = "";
  /** What was too soon after the line before to be drawn. */
  #waiting: ProgressState | undefined;

  /** @param out where to write; standard error when absent */
  constructor(out?: { readonly isTerminal: boolean; readonly write: (text: string) => void }) {
    this.#isTerminal = out?.isTerminal ?? process.stderr.isTTY === true;
    this.#write = out?.write ?? ((text) => void process.stderr.write(text));
  }

  show(state: ProgressState, nowMs: number = performance.now()): void {
    const isNew = state.stage !== this.#stage;
    const every = this.#isTerminal ? DRAW_EVERY_MS : PLAIN_EVERY_MS;
    if (!isNew && nowMs - this.#drawnAtMs < every) {
      this.#waiting = state;
      return;
    }
    if (isNew) this.#endLine();
    this.#stage = state.stage;
    this.#drawnAtMs = nowMs;
    this.#draw(state);
  }

  #draw(state: ProgressState): void {
    this.#waiting = undefined;
    if (!this.#isTerminal) {
      this.#write(`${progressLine(state, false)}\n`);
      return;
    }
    // A line that wraps could not be drawn over; what is left of a longer one is erased.
    let line = progressLine(state, true);
    const excess = line.length - (process.stderr.columns ?? line.length + 1) + 1;
    if (excess > 0) {
      const detail = state.detail?.slice(0, -excess - 1);
      line = progressLine({ ...state, detail: detail === undefined ? undefined : `${detail}…` }, true);
    }
    this.#write(`\r${line}\x1b[K`);
    this.#drawn = line;
  }

  /** Writes a whole line that stays, above the bar. */
  say(line: string): void {
    if (this.#drawn === "") this.#write(`${line}\n`);
    else this.#write(`\r${line}\x1b[K\n${this.#drawn}\x1b[K`);
  }

  [Symbol.dispose](): void {
    this.#endLine();
  }

  /** Ends the line as the stage ended, not as it stood when it was last drawn. */
  #endLine(): void {
    if (this.#isTerminal && this.#waiting !== undefined) this.#draw(this.#waiting);
    this.#waiting = undefined;
    if (this.#drawn !== "") this.#write("\n");
    this.#drawn = "";
  }
}

function progressLine({ stage, share, detail, timeLeftMs }: ProgressState, withBar: boolean): string {
  const parts = [stage];
  if (share !== undefined) {
    const part = Math.min(1, Math.max(0, share));
    const filled = Math.round(part * BAR_WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
    parts.push(`${withBar ? `${bar} ` : ""}${Math.floor(100 * part)}%`);
  }
  if (detail !== undefined && detail !== "") parts.push(detail);
  if (timeLeftMs !== undefined) parts.push(`${durationText(timeLeftMs)} left`);
  return parts.join("  ");
}

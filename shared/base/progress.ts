import { durationText } from "./text.ts";

/** Characters of the bar: less where the line has no room for what it says. */
const BAR_WIDTH = 24;
const BAR_WIDTH_MIN = 6;
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

/** The bar that stands on the terminal's last line now. */
let standing: Progress | undefined;

/**
 * Lets whole lines be written to the terminal, above the bar where one stands there; everybody who writes to it beside
 * the bar has to come here.
 *
 * @param write ends its last line
 */
export function aboveBar(write: () => void): void {
  if (standing === undefined) write();
  else standing.letWrite(write);
}

/**
 * Shows a long job's progress on standard error: a bar that moves on a terminal, and elsewhere (a pipe, a log) a
 * plain line at each new stage and every ten seconds.
 */
export class Progress implements Disposable {
  readonly #isTerminal: boolean;
  readonly #write: (text: string) => void;
  readonly #columns: () => number | undefined;
  #stage = "";
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #drawn = "";
  /** What was too soon after the line before to be drawn. */
  #waiting: ProgressState | undefined;

  /** @param out where to write; standard error when absent */
  constructor(out?: {
    readonly isTerminal: boolean;
    readonly write: (text: string) => void;
    readonly columns?: number;
  }) {
    this.#columns = () => (out === undefined ? process.stderr.columns : out.columns);
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
      this.#write(`${progressLine(state, 0)}\n`);
      return;
    }
    // A line that wraps could not be drawn over; what is left of a longer one is erased.
    let line = progressLine(state, BAR_WIDTH);
    const room = (this.#columns() ?? Number.POSITIVE_INFINITY) - 1;
    if (line.length > room) {
      const barWidth = Math.max(BAR_WIDTH_MIN, BAR_WIDTH - (line.length - room));
      line = progressLine(state, barWidth);
      const excess = line.length - room;
      if (excess > 0) {
        const detail = state.detail?.slice(0, -excess - 1);
        line = progressLine({ ...state, detail: detail && `${detail}…` }, barWidth);
      }
    }
    this.#write(`\r${line}\x1b[K`);
    this.#drawn = line;
    standing = this;
  }

  /** Writes a whole line that stays, above the bar. */
  say(line: string): void {
    this.letWrite(() => this.#write(`${line}\n`));
  }

  /** For `aboveBar`: takes the bar away while something is written. */
  letWrite(write: () => void): void {
    if (this.#drawn !== "") this.#write("\r\x1b[K");
    write();
    if (this.#drawn !== "") this.#write(this.#drawn);
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
    if (standing === this) standing = undefined;
  }
}

/** @param barWidth 0 for no bar */
function progressLine({ stage, share, detail, timeLeftMs }: ProgressState, barWidth: number): string {
  const parts = [stage];
  if (share !== undefined) {
    const part = Math.min(1, Math.max(0, share));
    const filled = Math.round(part * barWidth);
    const bar = `${"█".repeat(filled)}${"░".repeat(barWidth - filled)}`;
    parts.push(`${barWidth > 0 ? `${bar} ` : ""}${Math.floor(100 * part)}%`);
  }
  if (detail !== undefined && detail !== "") parts.push(detail);
  if (timeLeftMs !== undefined) parts.push(`${durationText(timeLeftMs)} left`);
  return parts.join("  ");
}

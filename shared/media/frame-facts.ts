import { within } from "../base/wait.ts";

/** What ffmpeg says of a frame before its picture comes. */
export interface FrameFact {
  /** In ticks of the stream's time base. */
  readonly pts: number;
  readonly mediaMs: number;
  readonly width: number;
  readonly height: number;
}

/** Reads the lines of ffmpeg's `showinfo` filter, and hands them out in the order of the pictures. */
export class FrameFacts {
  readonly #facts: FrameFact[] = [];
  #arrived: PromiseWithResolvers<void> | undefined;

  /** A line of standard error: a frame's fact, another line of `showinfo`, or `undefined` for other lines. */
  static read(line: string): FrameFact | "other" | undefined {
    if (!line.startsWith("[Parsed_showinfo")) return undefined;
    const fact = / pts: *(-?\d+|NOPTS) +pts_time: *(-?[\d.]+|NOPTS) .*? s:(\d+)x(\d+) /.exec(line);
    if (fact === null) return "other";
    const [pts, seconds, width, height] = fact.slice(1).map(Number) as [number, number, number, number];
    return {
      pts: Number.isFinite(pts) ? pts : 0,
      mediaMs: Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : 0,
      width,
      height,
    };
  }

  /** Takes a line of standard error. True when it was `showinfo`'s. */
  take(line: string): boolean {
    const fact = FrameFacts.read(line);
    if (fact === undefined) return false;
    if (fact !== "other") this.add(fact);
    return true;
  }

  add(fact: FrameFact): void {
    this.#facts.push(fact);
    this.#arrived?.resolve();
  }

  /** The facts of the next picture. They are written before it, on another pipe, and may be read after it. */
  async next(): Promise<FrameFact> {
    while (this.#facts.length === 0) {
      this.#arrived = Promise.withResolvers<void>();
      await within(this.#arrived.promise, 10_000, "ffmpeg's word on a frame");
    }
    return this.#facts.shift()!;
  }
}

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

  /** Takes a line of standard error. True when it was `showinfo`'s. */
  take(line: string): boolean {
    if (!line.startsWith("[Parsed_showinfo")) return false;
    const fact = / pts: *(-?\d+|NOPTS) +pts_time: *(-?[\d.]+|NOPTS) .*? s:(\d+)x(\d+) /.exec(line);
    if (fact === null) return true;
    const [pts, seconds, width, height] = fact.slice(1).map(Number) as [number, number, number, number];
    this.#facts.push({
      pts: Number.isFinite(pts) ? pts : 0,
      mediaMs: Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : 0,
      width,
      height,
    });
    this.#arrived?.resolve();
    return true;
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

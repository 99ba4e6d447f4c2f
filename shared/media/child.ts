import type { Subprocess } from "bun";

/** Lines of standard error that are kept for the error message. */
const KEPT_LINES = 12;

/** Whole lines of a child's standard error as they come; the last ones are kept for whoever reports its death. */
export class ErrorLines {
  readonly #kept: string[] = [];
  readonly done: Promise<void>;

  /** @param onLine returns true for a line that belongs to the program's talk with us and is not kept */
  constructor(stream: ReadableStream<Uint8Array>, onLine: (line: string) => boolean = () => false) {
    this.done = this.#read(stream, onLine).catch(() => {});
  }

  /** What the program said last, in one line. */
  get text(): string {
    return this.#kept.join("; ");
  }

  async #read(stream: ReadableStream<Uint8Array>, onLine: (line: string) => boolean): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]+/);
      rest = (lines.pop() ?? "").slice(-8192);
      for (const line of lines) this.#take(line, onLine);
    }
    this.#take(rest, onLine);
  }

  #take(line: string, onLine: (line: string) => boolean): void {
    const text = line.trim();
    if (text === "" || onLine(text)) return;
    // ffmpeg names a part of itself and where that lies in memory, which tells a person nothing.
    const words = text.replace(/^\[[^\]]* @ 0x[0-9a-f]+\] */, "").slice(0, 300);
    if (words === "" || words === this.#kept.at(-1)) return;
    this.#kept.push(words);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
  }
}

/**
 * Ends a child that leaves nothing half done: without mercy, since an ffmpeg that waits for input does not hear a
 * polite signal. Resolves when it is gone. Never rejects.
 *
 * @param graceMs time to end by itself, for one whose output has ended
 */
export async function endChild(child: Subprocess, graceMs = 0): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await child.exited.catch(() => {});
  clearTimeout(timer);
}

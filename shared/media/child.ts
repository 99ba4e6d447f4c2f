import type { Subprocess } from "bun";

/** Lines of standard error that are kept for the error message. */
const KEPT_LINES = 12;
/** A child that was asked to end has so long before it is killed. */
const KILL_AFTER_MS = 2000;

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
    if (text === "" || onLine(text) || text === this.#kept.at(-1)) return;
    this.#kept.push(text.slice(0, 300));
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
  }
}

/** Ends a child: politely, then for good. Resolves when it is gone. Never rejects. */
export async function endChild(child: Subprocess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await child.exited.catch(() => {});
  clearTimeout(timer);
}

import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";
import { errorLine } from "./errors.ts";
import { aboveBar } from "./progress.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** What a log line may carry beside its words. An `error` is written with its causes, in one line. */
export type LogFields = Record<string, unknown>;

/** Where lines go: a whole line, without its newline. */
export type LogSink = (line: string, level: LogLevel) => void;

/** Lines for people: `12:04:05.123 info  trainer  job 3 started pictures=292`. */
export class Log {
  readonly #source: string;
  readonly #sinks: readonly LogSink[];
  readonly #least: LogLevel;

  constructor(source: string, sinks: readonly LogSink[], least: LogLevel = "info") {
    this.#source = source;
    this.#sinks = sinks;
    this.#least = least;
  }

  /** A log for a part of this one: `trainer` and `job` give `trainer/job`. */
  child(part: string): Log {
    return new Log(`${this.#source}/${part}`, this.#sinks, this.#least);
  }

  /** The same log without its less important lines. */
  atLeast(level: LogLevel): Log {
    return new Log(this.#source, this.#sinks, RANK[level] > RANK[this.#least] ? level : this.#least);
  }

  debug(words: string, fields?: LogFields): void {
    this.#write("debug", words, fields);
  }
  info(words: string, fields?: LogFields): void {
    this.#write("info", words, fields);
  }
  warn(words: string, fields?: LogFields): void {
    this.#write("warn", words, fields);
  }
  error(words: string, fields?: LogFields): void {
    this.#write("error", words, fields);
  }

  #write(level: LogLevel, words: string, fields: LogFields = {}): void {
    if (RANK[level] < RANK[this.#least]) return;
    const time = new Date().toISOString().slice(11, 23);
    let line = `${time} ${level.padEnd(5)} ${this.#source.padEnd(8)} ${words}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      line += ` ${key}=${fieldText(value)}`;
    }
    for (const sink of this.#sinks) sink(line.replace(/\n/g, "\\n"), level);
  }
}

function fieldText(value: unknown): string {
  if (typeof value === "number")
    return Number.isInteger(value) ? String(value) : String(+value.toPrecision(4));
  const text = value instanceof Error ? errorLine(value) : String(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** Lines to standard error, above the progress that may stand there. */
export const stderrSink: LogSink = (line) => {
  aboveBar(() => process.stderr.write(`${line}\n`));
};

/** Keeps nothing; for tests and for commands that must stay silent. */
export const silentLog = new Log("silent", []);

/**
 * Lines to a file that several processes share. Each line is one `write` of an `O_APPEND` file, so lines stay whole
 * and in order whoever writes them. A full disk loses the line, never the process.
 */
export class LogFile implements Disposable {
  readonly #fd: number;
  #alarmed = false;

  constructor(path: string) {
    this.#fd = openSync(path, "a", 0o600);
  }

  readonly sink: LogSink = (line) => {
    try {
      writeSync(this.#fd, `${line}\n`);
    } catch (error) {
      if (!this.#alarmed) appendFileSync(2, `the log file takes no more lines: ${errorLine(error)}\n`);
      this.#alarmed = true;
    }
  };

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

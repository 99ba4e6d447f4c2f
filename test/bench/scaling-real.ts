import { join } from "node:path";
import type { Subprocess } from "bun";
import { silentLog } from "../../shared/base/log.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { TrainingSite } from "../roles/training-site.ts";
import { dataPath } from "../support/data.ts";
import { tempFolder } from "../support/temp.ts";

/** A training by workers as people start them, on the blood cells (292 pictures to learn from). */
export class RealJob implements AsyncDisposable {
  readonly #folder = tempFolder();
  readonly #site: TrainingSite;
  readonly #lines: { readonly line: string; readonly atMs: number }[] = [];
  #wake: () => void = () => {};

  constructor() {
    const onLine = (line: string): void => {
      if (process.env.SCALING_LOG !== undefined) process.stderr.write(`${line}\n`);
      this.#lines.push({ line, atMs: performance.now() });
      this.#wake();
    };
    this.#site = new TrainingSite(this.#folder.path, { onLine, checkpointEveryMs: 10_000 });
  }

  /** Why there is no such job here. */
  static get missing(): string | undefined {
    return dataPath("detection/blood-cells") === undefined ? "the blood cells are missing" : undefined;
  }

  /** Starts the trainer and hands in the job. */
  async begin(options: { sizePx: number; chunkSize: number; chunksPerRound: number }): Promise<void> {
    await this.#site.startTrainer();
    const root = dataPath("detection/blood-cells")!;
    const dataset = await readDataset(root, { log: silentLog });
    await using link = await this.#site.client();
    const client = new JobClient(link, silentLog);
    await client.submit({
      name: "cells",
      dataset,
      options: { network: "detector", epochs: 10_000, ...options },
    });
  }

  /** @param cpus cores that it may run on, as `taskset` reads them */
  add(cpus: string, name: string): Subprocess {
    return this.#site.startRealWorker({
      prefix: ["taskset", "--cpu-list", cpus],
      data: join(this.#folder.path, name),
    });
  }

  /** Waits until the trainer's log has a line like this, from now on. @returns when it came, and the line */
  async heard(like: RegExp, withinMs: number): Promise<{ readonly line: string; readonly atMs: number }> {
    const from = this.#lines.length;
    const endMs = performance.now() + withinMs;
    for (let at = from; ; ) {
      for (; at < this.#lines.length; at++) if (like.test(this.#lines[at]!.line)) return this.#lines[at]!;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`no ${like} within ${withinMs} ms`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, leftMs);
      });
      clearTimeout(timer);
    }
  }

  /** The mean time of a round among so many workers, over `forMs`, once `warmup` rounds have gone. */
  async roundMs(workers: number, warmup: number, forMs: number): Promise<number> {
    const like = new RegExp(` round job=.* workers=${workers} `);
    for (let i = 0; i < warmup; i++) await this.heard(like, 120_000);
    const first = await this.heard(like, 60_000);
    let [last, rounds] = [first, 0];
    while (last.atMs - first.atMs < forMs) {
      last = await this.heard(like, 60_000);
      rounds++;
    }
    return (last.atMs - first.atMs) / rounds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

import { join } from "node:path";
import type { Subprocess } from "bun";
import { silentLog } from "../../shared/base/log.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { noteText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import type { WireChoice } from "../../shared/training/wire-choice.ts";
import { ended, type ToyWorker, TrainingSite, tinyDataset } from "../roles/training-site.ts";
import { type Machine, Wires } from "../support/machines.ts";
import type { WireQuality } from "../support/relay.ts";
import { tempFolder } from "../support/temp.ts";

/** One committed round. */
export interface RoundSeen {
  /** Steps of the weights so far. */
  readonly round: number;
  readonly workers: number;
  readonly atMs: number;
}

/**
 * A training among stand-in workers on machines with wires between them: the real program but for the gradients,
 * whose time is a wait of known length. The weight vector is that of the detector (0.93 million numbers).
 */
export class StandInJob implements AsyncDisposable {
  readonly #folder = tempFolder();
  readonly #rounds: RoundSeen[] = [];
  readonly #workers = new Map<string, { readonly worker: ToyWorker; readonly machine: Machine }>();
  readonly #site: TrainingSite;
  readonly #quality: WireQuality;
  #wires: Wires | undefined;
  #link: Connection | undefined;
  #wake: () => void = () => {};
  #score: number | undefined;
  #isOver = false;

  constructor(quality: WireQuality = {}, checkpointEveryMs = 10_000) {
    this.#quality = quality;
    const onLine = (line: string): void => this.#heard(line);
    this.#site = new TrainingSite(this.#folder.path, { onLine, checkpointEveryMs });
  }

  get rounds(): readonly RoundSeen[] {
    return this.#rounds;
  }
  get wires(): Wires {
    if (this.#wires === undefined) throw new Error("not begun");
    return this.#wires;
  }

  /** Starts the trainer and hands in a job. @param options of `handIn` */
  async begin(chunksPerRound: number, options: Parameters<StandInJob["handIn"]>[1] = {}): Promise<void> {
    await this.startTrainer();
    await this.handIn(chunksPerRound, options);
  }

  /** From now on workers may be added. */
  async startTrainer(): Promise<void> {
    await this.#site.startTrainer();
    this.#wires = new Wires(this.#site.address, this.#quality);
  }

  /** Waits until so many workers are connected. */
  untilConnected(workers: number): Promise<void> {
    return this.#site.untilConnected(workers);
  }

  /** @param rounds how many the job has; without end when absent. Such a job is of a small network, which a stand-in scores. */
  async handIn(
    chunksPerRound: number,
    { rounds, wire = "auto" }: { readonly rounds?: number; readonly wire?: WireChoice } = {},
  ): Promise<void> {
    this.#link = await this.#site.client();
    const dataset = await tinyDataset(join(this.#folder.path, "data"));
    const epochs = rounds === undefined ? 100_000 : (rounds * chunksPerRound * 2) / 12;
    const network =
      rounds === undefined
        ? ({ network: "detector", sizePx: 64 } as const)
        : ({ network: "mlp", hidden: 8 } as const);
    const options = { ...network, epochs, chunkSize: 2, chunksPerRound, wire };
    const client = new JobClient(this.#link, silentLog);
    const jobId = await client.submit({ name: "stand-in", dataset, options });
    ended(client, jobId)
      .then(({ status }) => {
        if (status.state !== "done") throw new Error(`the job ${status.state}: ${noteText(status.note)}`);
        this.#score = status.map50 ?? 0;
        this.#wake();
      })
      .catch((error) => {
        if (!this.#isOver) process.stderr.write(`${error}\n`);
      });
  }

  /** @param chunkMs what a chunk takes it */
  async add(name: string, machine: Machine, chunkMs: number): Promise<ToyWorker> {
    const { prefix, host } = machine;
    const trainer = await this.wires.gate(name, machine);
    const worker = this.#site.startWorker(name, chunkMs, { trainer, host, prefix });
    this.#workers.set(name, { worker, machine });
    await this.wires.plug(name, await worker.port);
    return worker;
  }

  /** kill -9. */
  kill(name: string): void {
    this.process(name).kill("SIGKILL");
    this.wires.unplug(name);
  }

  get isEnded(): boolean {
    return this.#score !== undefined;
  }

  /** Waits for the job's end. @returns the score of its model */
  async ended(withinMs: number): Promise<number> {
    await this.until(() => this.isEnded, withinMs);
    return this.#score!;
  }

  process(name: string): Subprocess {
    return this.#workers.get(name)!.worker.process;
  }

  /** Waits for the end of the running round. */
  async roundEnd(withinMs: number): Promise<void> {
    const before = this.#rounds.length;
    await this.until(() => this.#rounds.length > before, withinMs);
  }

  /** Waits until `count` rounds more have been committed. @returns their mean time */
  async roundMs(count: number, withinMs: number): Promise<number> {
    const first = this.#rounds.length;
    await this.until(() => this.#rounds.length > first + count, withinMs);
    return (this.#rounds[first + count]!.atMs - this.#rounds[first]!.atMs) / count;
  }

  /** The same for the steps of the weights in these rounds, which may be several a round. */
  async stepMs(rounds: number, withinMs: number): Promise<number> {
    const before = this.#rounds.length;
    await this.until(() => this.#rounds.length > before + rounds, withinMs);
    const [first, last] = [this.#rounds[before]!, this.#rounds[before + rounds]!];
    return (last.atMs - first.atMs) / (last.round - first.round);
  }

  /** How the trainer has chosen that numbers travel, and after how many steps; `undefined` until it has changed that. */
  get chosen(): { readonly format: string; readonly steps: number } | undefined {
    return this.#chosen;
  }

  /** Waits until something is so, looking after each round. Throws after `withinMs`. */
  async until(isSo: () => boolean, withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (!isSo()) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`not within ${withinMs} ms, after ${this.#rounds.length} rounds`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, leftMs);
      });
      clearTimeout(timer);
    }
  }

  /** Waits until rounds are made by so many workers, and the ring has settled. */
  async settled(workers: number, withinMs = 60_000): Promise<void> {
    await this.until(() => this.#ring === workers && this.#sinceRing >= 2, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#wires?.[Symbol.dispose]();
    await this.#link?.close();
    await this.#site[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }

  #ring = 0;
  #sinceRing = 0;
  #chosen: { readonly format: string; readonly steps: number } | undefined;

  #heard(line: string): void {
    if (process.env.SCALING_LOG !== undefined) process.stderr.write(`${line}\n`);
    const chosen = / numbers travel otherwise job=\d+ format=(\w+) steps=(\d+)/.exec(line);
    if (chosen !== null) this.#chosen = { format: chosen[1]!, steps: Number(chosen[2]) };
    const round = / round job=\d+ round=(\d+) workers=(\d+)/.exec(line);
    if (round === null) return;
    const workers = Number(round[2]);
    this.#rounds.push({ round: Number(round[1]), workers, atMs: performance.now() });
    this.#sinceRing = workers === this.#ring ? this.#sinceRing + 1 : 0;
    this.#ring = workers;
    this.#wake();
  }
}

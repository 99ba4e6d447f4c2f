/** How many pictures a second our engines and PyTorch train or look at, measured in turn. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Random } from "../../shared/base/random.ts";
import { buildNetwork, type NetworkConfig } from "../../shared/nn/networks/config.ts";
import { figureOf } from "./child-figure.ts";
import { engineNamed } from "./engines.ts";

export interface Setting {
  /** Ours only: native where it is not said. */
  readonly engine?: "native" | "tfjs";
  /** Processes that each train on a batch of their own at the same time, as workers do; ours only. */
  readonly workers?: number;
  /** Of each process. */
  readonly threads: number;
  readonly batch: number;
  readonly channelsLast?: boolean;
}

/** What is computed, on pictures of noise: a training step with the mean of the outputs' squares as loss, or inference. */
export interface Work {
  readonly network: "single-box" | "detector";
  readonly infer: boolean;
}

/** One work on both sides. */
export interface Task extends Work {
  readonly name: string;
  readonly must: number;
  readonly goal: number;
  readonly ours: readonly Setting[];
  readonly theirs: readonly Setting[];
}

const CONFIGS: Record<Work["network"], NetworkConfig & { size: number }> = {
  "single-box": { kind: "single-box", size: 224, classCount: 10 },
  detector: { kind: "detector", size: 320, classCount: 3, variant: "normal" },
};

const cores = availableParallelism();
const threads = [...new Set([1, cores])];
const oneByOne: Setting[] = [{ threads: 1, batch: 1 }];
const anyBatch = (batches: readonly number[]): Setting[] =>
  threads.flatMap((count) => batches.map((batch) => ({ threads: count, batch })));
/** One thread, all cores on one step, or a worker for each core. */
const trainingWays = (batches: readonly number[]): Setting[] => [
  ...anyBatch(batches),
  ...batches.map((batch) => ({ workers: cores, threads: 1, batch })),
];
const bothLayouts = (settings: readonly Setting[]): Setting[] =>
  [false, true].flatMap((channelsLast) => settings.map((setting) => ({ ...setting, channelsLast })));

export const TASKS: readonly Task[] = [
  {
    name: "single-box, training",
    network: "single-box",
    infer: false,
    must: 1,
    goal: 1.5,
    ours: trainingWays([4, 8]),
    theirs: bothLayouts(anyBatch([4, 8])),
  },
  {
    name: "detector 320 px, training",
    network: "detector",
    infer: false,
    must: 0.8,
    goal: 1.2,
    ours: trainingWays([4, 8]),
    theirs: bothLayouts(anyBatch([8, 16])),
  },
  {
    name: "detector 320 px, inference, one picture, one thread",
    network: "detector",
    infer: true,
    must: 1,
    goal: 1.5,
    ours: oneByOne,
    theirs: bothLayouts(oneByOne),
  },
];

/** Pictures a second. */
export type Measure = (work: Work, setting: Setting, seconds: number) => Promise<number>;

const MEASURE_WORD = "--measure";

/** Each worker in a process of its own, all at once. */
export const measureOurs: Measure = async ({ network, infer }, setting, seconds) => {
  const order: Order = { work: { network, infer }, setting, seconds };
  const command = [process.execPath, import.meta.path, MEASURE_WORD, JSON.stringify(order)];
  const workers = Array.from({ length: setting.workers ?? 1 }, () =>
    Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" }),
  );
  const rates = await Promise.all(workers.map(figureOf));
  return rates.reduce((sum, found) => sum + found, 0);
};

interface Order {
  readonly work: Work;
  readonly setting: Setting;
  readonly seconds: number;
}

const measureHere: Measure = async (work, { engine: name = "native", threads: count, batch }, seconds) => {
  const network = buildNetwork(CONFIGS[work.network]);
  const weights = network.parameters.start((name) => new Random("bench", name));
  const { height, width, channels } = network.input;
  const random = new Random("pictures");
  const pictures = Uint8Array.from({ length: batch * height * width * channels }, () => random.below(256));
  await using engine = await engineNamed(name, count);
  if (work.infer) {
    await using predictor = await engine.predictor(network, weights, { batch });
    return await rate(() => predictor.infer(pictures, batch), batch, seconds);
  }
  const gradient = new Float32Array(weights.length);
  await using trainer = await engine.trainer(network, { batch });
  // The baseline's own loss: the mean of the outputs' squares.
  const step = (): Promise<void> =>
    trainer.trainStep(
      weights,
      pictures,
      (outputs) => ({
        gradients: outputs.map((output) => output.map((value) => (2 * value) / output.length)),
        report: undefined,
      }),
      gradient,
    );
  return await rate(step, batch, seconds);
};

async function rate(run: () => Promise<unknown>, batch: number, seconds: number): Promise<number> {
  for (let i = 0; i < 2; i++) await run();
  const start = performance.now();
  let runs = 0;
  let passed = 0;
  while (passed < seconds) {
    await run();
    runs++;
    passed = (performance.now() - start) / 1000;
  }
  return (runs * batch) / passed;
}

/** A running Python that measures on demand. */
export class Pytorch implements Disposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  private constructor(python: string, baseline: string) {
    const script = resolve(import.meta.dir, "pytorch.py");
    this.#process = Bun.spawn([python, script, baseline], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = linesOf(this.#process.stdout);
  }

  /** Undefined where there is no PyTorch or no baseline. */
  static async open(): Promise<Pytorch | undefined> {
    const besides = resolve(import.meta.dir, "../../../shared/tools/pytorch-baseline.py");
    const baseline = process.env.VIGIA_PYTORCH_BASELINE ?? besides;
    if (!existsSync(baseline)) return undefined;
    for (const python of ["/usr/bin/python3", "python3"]) {
      const probe = Bun.spawn([python, "-c", "import torch"], { stdout: "ignore", stderr: "ignore" });
      if ((await probe.exited) !== 0) continue;
      const side = new Pytorch(python, baseline);
      await side.#lines.next();
      return side;
    }
    return undefined;
  }

  readonly measure: Measure = async ({ network, infer }, setting, seconds) => {
    const { size } = CONFIGS[network];
    const order = { channelsLast: false, ...setting, network, size, infer, seconds };
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    await this.#process.stdin.flush();
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the Python side ended early");
    return Number(value);
  };

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** What the best setting of a side gives. */
export interface Best {
  readonly setting: string;
  readonly perSecond: number;
}

/**
 * Every setting of one side in turn with the other's, several rounds over, so that whatever else the machine does
 * strikes both alike; each counts with its best round.
 */
export async function compare(
  work: Work,
  sides: readonly [first: Side, second: Side],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<[Best, Best]> {
  const best = sides.map(() => new Map<string, number>());
  const longest = Math.max(...sides.map(({ settings }) => settings.length));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < longest; i++) {
      for (const [place, { settings, measure }] of sides.entries()) {
        const setting = settings[i];
        if (setting === undefined) continue;
        const found = await measure(work, setting, seconds);
        const key = words(setting);
        best[place]!.set(key, Math.max(best[place]!.get(key) ?? 0, found));
      }
    }
  }
  return best.map((found) => {
    const [setting, perSecond] = [...found].reduce((a, b) => (b[1] > a[1] ? b : a));
    return { setting, perSecond };
  }) as [Best, Best];
}

export interface Side {
  readonly settings: readonly Setting[];
  readonly measure: Measure;
}

function words({ workers = 1, threads: count, batch, channelsLast }: Setting): string {
  const layout = channelsLast === true ? ", channels last" : "";
  const each = workers > 1 ? `${workers} workers of ` : "";
  return `${each}${count} ${count === 1 ? "thread" : "threads"}, batch ${batch}${layout}`;
}

if (import.meta.main) {
  const [word, order = ""] = process.argv.slice(2);
  if (word !== MEASURE_WORD) throw new Error(`this program is started by the others, with ${MEASURE_WORD}`);
  const { work, setting, seconds } = JSON.parse(order) as Order;
  process.stdout.write(String(await measureHere(work, setting, seconds)));
  process.exit();
}

/**
 * Ours against PyTorch, both in one run: `npm run bench:pytorch [-- --rounds N] [--seconds S]`. Every setting of a
 * side is measured in turn with the other side's, several rounds over, and counts with its best round, so that
 * whatever else the machine does strikes both alike. Prints a table, then one line of JSON; exits with 1 where a
 * ratio is below what it must be, with 2 where PyTorch is not at hand.
 *
 * Needs Debian's python3-torch, and `../shared/tools/pytorch-baseline.py` or its path in VIGIA_PYTORCH_BASELINE.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../../shared/base/random.ts";
import { openNativeEngine } from "../../shared/nn/native/engine.ts";
import { buildNetwork, type NetworkConfig } from "../../shared/nn/networks/config.ts";

interface Setting {
  /** Processes that each train on a batch of their own at the same time, as workers do; ours only. */
  readonly workers?: number;
  /** Of each process. */
  readonly threads: number;
  readonly batch: number;
  readonly channelsLast?: boolean;
}

interface Task {
  readonly name: string;
  readonly network: "single-box" | "detector";
  readonly infer: boolean;
  readonly must: number;
  readonly goal: number;
  readonly ours: readonly Setting[];
  readonly theirs: readonly Setting[];
}

const CONFIGS: Record<Task["network"], NetworkConfig & { size: number }> = {
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

const TASKS: readonly Task[] = [
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
type Measure = (task: Task, setting: Setting, seconds: number) => Promise<number>;

/** Each worker in a process of its own, all at once. */
async function measureOurs(task: Task, setting: Setting, seconds: number): Promise<number> {
  const order = JSON.stringify({ task: task.name, setting, seconds });
  const command = [process.execPath, import.meta.path, "--measure", order];
  const workers = Array.from({ length: setting.workers ?? 1 }, () =>
    Bun.spawn(command, { stdout: "pipe", stderr: "inherit" }),
  );
  const rates = await Promise.all(
    workers.map(async ({ stdout }) => Number(await new Response(stdout).text())),
  );
  return rates.reduce((sum, found) => sum + found, 0);
}

async function measureHere(task: Task, { threads: count, batch }: Setting, seconds: number): Promise<number> {
  const network = buildNetwork(CONFIGS[task.network]);
  const weights = network.parameters.start((name) => new Random("bench", name));
  const { height, width, channels } = network.input;
  const random = new Random("pictures");
  const pictures = Uint8Array.from({ length: batch * height * width * channels }, () => random.below(256));
  await using engine = await openNativeEngine({ device: "cpu", threads: count });
  if (task.infer) {
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
}

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
class Pytorch implements Disposable {
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

  readonly measure: Measure = async (task, setting, seconds) => {
    const { size } = CONFIGS[task.network];
    const order = {
      channelsLast: false,
      ...setting,
      network: task.network,
      size,
      infer: task.infer,
      seconds,
    };
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

/** The best rate of each setting over the rounds. */
async function compare(task: Task, theirs: Measure, rounds: number, seconds: number) {
  const best = new Map<string, number>();
  const note = (side: string, setting: Setting, found: number): void => {
    const key = `${side}: ${words(setting)}`;
    best.set(key, Math.max(best.get(key) ?? 0, found));
  };
  for (let round = 0; round < rounds; round++) {
    const longest = Math.max(task.ours.length, task.theirs.length);
    for (let i = 0; i < longest; i++) {
      const [mine, other] = [task.ours[i], task.theirs[i]];
      if (mine !== undefined) note("ours", mine, await measureOurs(task, mine, seconds));
      if (other !== undefined) note("theirs", other, await theirs(task, other, seconds));
    }
  }
  const top = (side: string): [string, number] =>
    [...best]
      .filter(([key]) => key.startsWith(side))
      .reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0] as [string, number]);
  const [ours, other] = [top("ours"), top("theirs")];
  return {
    task: task.name,
    ours,
    theirs: other,
    ratio: ours[1] / other[1],
    must: task.must,
    goal: task.goal,
  };
}

function words({ workers = 1, threads: count, batch, channelsLast }: Setting): string {
  const layout = channelsLast === true ? ", channels last" : "";
  const each = workers > 1 ? `${workers} workers of ` : "";
  return `${each}${count} ${count === 1 ? "thread" : "threads"}, batch ${batch}${layout}`;
}

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    only: { type: "string" },
    measure: { type: "string" },
  },
});
if (flags.measure !== undefined) {
  const order = JSON.parse(flags.measure) as { task: string; setting: Setting; seconds: number };
  const task = TASKS.find(({ name }) => name === order.task)!;
  process.stdout.write(String(await measureHere(task, order.setting, order.seconds)));
  process.exit();
}
using pytorch = await Pytorch.open();
if (pytorch === undefined) {
  process.stderr.write("PyTorch or pytorch-baseline.py is not at hand: apt-get install python3-torch\n");
  process.exit(2);
}
const results = [];
for (const task of TASKS) {
  if (flags.only !== undefined && !task.name.includes(flags.only)) continue;
  const result = await compare(task, pytorch.measure, Number(flags.rounds ?? 3), Number(flags.seconds ?? 1));
  results.push(result);
  const [ours, theirs] = [result.ours, result.theirs].map(
    ([setting, found]) => `${found.toFixed(1)}/s (${setting})`,
  );
  process.stdout.write(
    `${result.task.padEnd(52)} ratio ${result.ratio.toFixed(2)}  must ${result.must}  goal ${result.goal}\n`,
  );
  process.stdout.write(`  ${ours}\n  ${theirs}\n`);
}
const missed = results.filter(({ ratio, must }) => ratio < must).map(({ task }) => task);
process.stdout.write(`${JSON.stringify({ cores, results, missed })}\n`);
process.exit(missed.length === 0 ? 0 : 1);

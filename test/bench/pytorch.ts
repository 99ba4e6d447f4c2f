/**
 * The figures of compute, ours against PyTorch's and those of ours alone, in one run: `npm run bench:pytorch [-- --rounds
 * N] [--seconds S] [--only WORD]`. Prints a table, then one line of JSON; exits with 1 where a figure misses what it
 * must be, else with 2 where PyTorch is not at hand.
 *
 * Needs Debian's python3-torch, and `../shared/tools/pytorch-baseline.py` or its path in VIGIA_PYTORCH_BASELINE.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { gains } from "./int8.bench.ts";
import { compare, measureOurs, Pytorch, type Setting, TASKS, type Work } from "./step-rate.ts";
import { waitShares } from "./waiting.ts";
import { workerMemory } from "./worker-memory.ts";

interface Row {
  readonly name: string;
  /** Undefined where it is not measured here; `words` say how it is. */
  readonly figure: number | undefined;
  readonly must: number;
  readonly goal?: number;
  /** Whether less is better. */
  readonly atMost?: boolean;
  readonly words: readonly string[];
}

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const times = { rounds: Number(flags.rounds), seconds: Number(flags.seconds) };
using pytorch = await Pytorch.open();

const perSecond = (found: { setting: string; perSecond: number }): string =>
  `${found.perSecond.toFixed(1)}/s (${found.setting})`;

async function againstPytorch(task: (typeof TASKS)[number]): Promise<Row> {
  const { name, must, goal } = task;
  if (pytorch === undefined) {
    const words = [
      "not measured: apt-get install python3-torch, and VIGIA_PYTORCH_BASELINE=pytorch-baseline.py",
    ];
    return { name, figure: undefined, must, goal, words };
  }
  const sides = [
    { settings: task.ours, measure: measureOurs },
    { settings: task.theirs, measure: pytorch.measure },
  ] as const;
  const [ours, theirs] = await compare(task, sides, times);
  const words = [`ours ${perSecond(ours)}`, `PyTorch ${perSecond(theirs)}`];
  return { name, figure: ours.perSecond / theirs.perSecond, must, goal, words };
}

/** One thread each: tfjs has no more outside of browsers. Each side at the batch that suits it best. */
async function againstTfjs(): Promise<Row> {
  const work: Work = { network: "detector", infer: false };
  const settings = (engine: "native" | "tfjs", batches: readonly number[]): Setting[] =>
    batches.map((batch) => ({ engine, threads: 1, batch }));
  const sides = [
    { settings: settings("native", [4, 8]), measure: measureOurs },
    { settings: settings("tfjs", [2, 4, 8]), measure: measureOurs },
  ] as const;
  const [native, tfjs] = await compare(work, sides, times);
  return {
    name: "detector 320 px, training, native / tfjs, one thread",
    figure: native.perSecond / tfjs.perSecond,
    must: 6,
    goal: 10,
    words: [`native ${perSecond(native)}`, `tfjs ${perSecond(tfjs)}`],
  };
}

async function int8Speed(): Promise<Row> {
  const { floatMs, int8Ms, speedUp } = await gains("full");
  return {
    name: "detector 320 px, inference, int8 / float",
    figure: speedUp,
    must: 1.3,
    goal: 2.5,
    words: [`${int8Ms.toFixed(2)} ms against ${floatMs.toFixed(2)} ms`],
  };
}

async function memory(): Promise<Row> {
  const bounds = { name: "worker, detector 320 px, batch 16, GB", must: 1.5, goal: 0.8, atMost: true };
  if (process.platform !== "linux")
    return { ...bounds, figure: undefined, words: ["measured on Linux only"] };
  return { ...bounds, figure: (await workerMemory(16)) / 1000, words: ["peak of a real worker's process"] };
}

const WAITING_DATA = "playing-cards";

async function waiting(): Promise<Row> {
  const shares = await waitShares(WAITING_DATA, 40);
  return {
    name: "share of time that compute waits for pictures",
    figure: shares && Math.max(...shares),
    must: 0.05,
    atMost: true,
    words:
      shares === undefined
        ? [`not measured: the data set ${WAITING_DATA} is not at hand (VIGIA_DATA)`]
        : [
            `${WAITING_DATA} with mosaics, ${availableParallelism()} learners at once, the one that waits most`,
          ],
  };
}

/** Figures that other commands measure. */
function elsewhere(): Row[] {
  const row = (name: string, must: number, command: string, goal?: number): Row => ({
    name,
    figure: undefined,
    must,
    ...(goal === undefined ? {} : { goal }),
    atMost: true,
    words: [`measured by: ${command}`],
  });
  const quantized = "npm run bench int8 -- --model FILE --data DATASET, of a trained model";
  return [
    row("demo: seconds to the first right sighting", 90, "npm run demo -- --no-browser", 45),
    row("int8: points of mAP50 lost", 1, quantized),
  ];
}

const measured: [name: string, measure: () => Promise<Row>][] = [
  ...TASKS.map((task): [string, () => Promise<Row>] => [task.name, () => againstPytorch(task)]),
  ["int8", int8Speed],
  ["tfjs", againstTfjs],
  ["memory", memory],
  ["waiting", waiting],
];
const rows: Row[] = [];
for (const [name, measure] of measured) {
  if (!name.includes(flags.only)) continue;
  const row = await measure();
  rows.push(row);
  print(row);
}
if (flags.only === "") {
  for (const row of elsewhere()) {
    rows.push(row);
    print(row);
  }
}
const missed = rows.filter(isMissed).map(({ name }) => name);
process.stdout.write(`${JSON.stringify({ cores: availableParallelism(), rows, missed })}\n`);
process.exit(missed.length > 0 ? 1 : pytorch === undefined ? 2 : 0);

function isMissed({ figure, must, atMost = false }: Row): boolean {
  return figure !== undefined && (atMost ? figure > must : figure < must);
}

function print(row: Row): void {
  const { name, figure, must, goal, words } = row;
  const cells = [
    name.padEnd(54),
    (figure === undefined ? "-" : figure.toFixed(2)).padStart(7),
    `  must ${String(must).padEnd(4)}`,
    goal === undefined ? "" : ` goal ${goal}`,
    isMissed(row) ? "  MISSED" : "",
  ];
  process.stdout.write(`${cells.join("")}\n${words.map((line) => `    ${line}\n`).join("")}`);
}

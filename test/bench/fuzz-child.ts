/**
 * The inputs of one target, in a process of its own: TARGET SEED COUNT PROGRESS. The number of the input under way
 * stands in the file PROGRESS, so that whoever started this knows it, whatever this dies of. Ends with a line of JSON.
 */
import { heapStats } from "bun:jsc";
import { openSync, writeSync } from "node:fs";
import { endOf, inputOf } from "../fuzz/target.ts";
import { TARGETS } from "../fuzz/targets.ts";

export interface FuzzFigures {
  readonly inputs: number;
  /** Inputs that were taken, not refused. */
  readonly taken: number;
  /** The number of the first input for each way to end, those that came first. */
  readonly ends: readonly (readonly [end: string, seed: number])[];
  readonly seconds: number;
  readonly slowestMs: number;
  /** From a fifth of the inputs on: the least after it to the end, when everything unused was freed. */
  readonly heapGrowthBytes: number;
  readonly memoryGrowthBytes: number;
}

const ENDS_MAX = 64;
/** The memory is looked at so many times. */
const LOOKS = 10;
/** The first looks see the program warm up: compiled code, pools, caches. */
const WARM_AFTER_LOOKS = 3;

const [name, seedText, countText, progressFile = ""] = process.argv.slice(2);
const target = TARGETS.find((one) => one.name === name)!;
const [first, count] = [Number(seedText), Number(countText)];
const progress = openSync(progressFile, "w");
const place = Buffer.alloc(8);

// Most inputs end with a refusal, and a stack costs more than the reading.
const stackLines = Error.stackTraceLimit;
Error.stackTraceLimit = 0;

const ends = new Map<string, number>();
const looks: { heap: number; memory: number }[] = [];
let taken = 0;
let slowestMs = 0;
const since = performance.now();
for (let done = 0; done < count; done++) {
  place.writeDoubleLE(first + done);
  writeSync(progress, place, 0, place.length, 0);
  const startMs = performance.now();
  const end = await endOf(target, inputOf(target, first + done)).catch(() => withStack(first + done));
  slowestMs = Math.max(slowestMs, performance.now() - startMs);
  if (!end.startsWith("refused")) taken++;
  if (ends.size < ENDS_MAX && !ends.has(end)) ends.set(end, first + done);
  if ((done + 1) % Math.ceil(count / LOOKS) === 0) look();
}
look();
const warm = looks.slice(WARM_AFTER_LOOKS);
const growth = (of: "heap" | "memory") => looks.at(-1)![of] - Math.min(...warm.map((one) => one[of]));
const figures: FuzzFigures = {
  inputs: count,
  taken,
  ends: [...ends],
  seconds: (performance.now() - since) / 1000,
  slowestMs,
  heapGrowthBytes: growth("heap"),
  memoryGrowthBytes: growth("memory"),
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit();

/** Runs an input that broke the reader once more, so that it is told where. */
function withStack(seed: number): Promise<string> {
  Error.stackTraceLimit = stackLines;
  return endOf(target, inputOf(target, seed));
}

function look(): void {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  looks.push({ heap: heapSize + extraMemorySize, memory: process.memoryUsage.rss() });
}

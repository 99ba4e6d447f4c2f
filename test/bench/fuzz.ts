/**
 * A million seeded inputs for each reader of what strangers send: RTSP, SDP, RTP, H.264, H.265, JPEG, our wire and its
 * greeting: `npm run bench:fuzz [TARGET...] [-- --count N --seed N --jobs N --keep]`. Each target runs in a process of
 * its own. An input that breaks one, or that it hangs at, is kept in test/fuzz/corpus, which the tests replay; with
 * `--keep` also the first input for each way in which a run ended. Ends with 1 where one crashes, hangs or grows.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { keep } from "../fuzz/corpus.ts";
import { type FuzzTarget, inputOf } from "../fuzz/target.ts";
import { TARGETS } from "../fuzz/targets.ts";
import { tempFolder } from "../support/temp.ts";
import type { FuzzFigures } from "./fuzz-child.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: String(Math.min(4, availableParallelism())) },
    keep: { type: "boolean", default: false },
  },
});
const [count, seed, jobs] = [values.count, values.seed, values.jobs].map(Number) as [number, number, number];

/** One input takes less than a millisecond, a session over sockets a few tens; a busy machine may leave us minutes. */
const HANG_MS = 600_000;
/** Half a byte an input of a million would show. */
const HEAP_GROWTH_BYTES_MAX = 512 * 1024;
/** Fewer see the program warm up. */
const WARM_AFTER_INPUTS = 1000;
/** What the system counts moves with the allocator's pages. */
const MEMORY_GROWTH_BYTES_MAX = 32 * 1024 * 1024;

/** Of one target, with `--keep`. */
const KEPT_MAX = 20;

interface Row {
  readonly target: string;
  readonly figures: FuzzFigures | undefined;
  readonly fault: string | undefined;
}

/** Runs one target; what it was at when it died or hung is kept. */
async function runTarget(target: FuzzTarget): Promise<Row> {
  using folder = tempFolder();
  const progress = join(folder.path, "progress");
  const inputs = Math.max(1, Math.round(count * (target.share ?? 1)));
  const words = [join(import.meta.dir, "fuzz-child.ts"), target.name, String(seed), String(inputs), progress];
  const child = Bun.spawn([process.execPath, ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  let last = { at: -1, sinceMs: performance.now() };
  let hangs = false;
  const watch = setInterval(() => {
    const at = placeIn(progress);
    if (at !== last.at) last = { at, sinceMs: performance.now() };
    hangs = performance.now() - last.sinceMs > HANG_MS;
    if (hangs) child.kill("SIGKILL");
  }, 500);
  const code = await child.exited;
  clearInterval(watch);
  const [out, errors] = await said;
  if (code === 0) {
    const figures = JSON.parse(out.trim().split("\n").at(-1)!) as FuzzFigures;
    if (values.keep)
      for (const [end, place] of figures.ends.slice(0, KEPT_MAX)) keep(target, end, inputOf(target, place));
    return { target: target.name, figures, fault: growthOf(figures) };
  }
  const at = placeIn(progress);
  const path = keep(target, `fault ${at}`, inputOf(target, at));
  const what = hangs ? `hangs for ${HANG_MS / 1000} s` : `dies (${child.signalCode ?? code})`;
  process.stderr.write(errors);
  return {
    target: target.name,
    figures: undefined,
    fault: `${what} at seed ${at}: ${path ?? "too large to keep"}`,
  };
}

function placeIn(progress: string): number {
  try {
    return readFileSync(progress).readDoubleLE(0);
  } catch {
    return -1; // it has not begun
  }
}

function growthOf({ inputs, heapGrowthBytes, memoryGrowthBytes }: FuzzFigures): string | undefined {
  if (inputs < WARM_AFTER_INPUTS) return undefined;
  if (heapGrowthBytes > HEAP_GROWTH_BYTES_MAX) return `the heap grew by ${heapGrowthBytes} B`;
  if (memoryGrowthBytes > MEMORY_GROWTH_BYTES_MAX) return `the process grew by ${memoryGrowthBytes} B`;
  return undefined;
}

const COLUMNS = [
  "target",
  "inputs",
  "per second",
  "taken",
  "ways to end",
  "slowest ms",
  "heap kB",
  "memory MB",
];

function print(cells: readonly string[], fault = ""): void {
  const line = cells.map((cell, i) => (i === 0 ? cell.padEnd(15) : cell.padStart(12))).join("");
  process.stdout.write(`${line}  ${fault}`.trimEnd().concat("\n"));
}

function printRow({ target, figures, fault }: Row): void {
  if (figures === undefined) {
    print([target], fault);
    return;
  }
  const { inputs, seconds, taken, ends, slowestMs, heapGrowthBytes, memoryGrowthBytes } = figures;
  const share = `${Math.round((100 * taken) / inputs)}%`;
  const rates = [inputs, Math.round(inputs / seconds), share, ends.length, Math.round(slowestMs)];
  const growth = [Math.round(heapGrowthBytes / 1024), (memoryGrowthBytes / 2 ** 20).toFixed(1)];
  print([target, ...rates.map(String), ...growth.map(String)], fault);
}

const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0 || !(count > 0) || !(jobs > 0)) {
  process.stderr.write(`targets are ${TARGETS.map(({ name }) => name).join(", ")}; counts are above 0\n`);
  process.exit(2);
}
const waiting = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const rows: Row[] = [];
const since = performance.now();
print(COLUMNS);
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const row = await runTarget(target);
      rows.push(row);
      printRow(row);
    }
  }),
);
const faults = rows.filter(({ fault }) => fault !== undefined);
const inputs = rows.reduce((sum, { figures }) => sum + (figures?.inputs ?? 0), 0);
const targets = Object.fromEntries(
  rows.map(({ target, figures, fault }) => [target, { ...figures, ends: figures?.ends.length, fault }]),
);
const seconds = (performance.now() - since) / 1000;
const totals = { benchmark: "fuzz", seed, inputs, seconds: Math.round(seconds), faults: faults.length };
process.stdout.write(`${JSON.stringify({ ...totals, targets })}\n`);
process.exit(faults.length > 0 ? 1 : 0);

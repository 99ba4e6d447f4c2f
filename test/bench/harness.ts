import { basename, join } from "node:path";
import { Glob } from "bun";

/** `smoke` proves in a moment that a benchmark still works; `full` gives its figures. */
export type BenchSize = "smoke" | "full";

/** Figures by name; the name carries the unit (`roundTripMs`, `megabytesPerSecond`). */
export type Figures = Readonly<Record<string, number>>;

/** Names of the benchmarks: each `NAME.bench.ts` in this folder. */
export function listBenchmarks(): string[] {
  return [...new Glob("*.bench.ts").scanSync({ cwd: import.meta.dir })]
    .map((path) => basename(path, ".bench.ts"))
    .sort();
}

/** What a benchmark looks at beside its own pictures: a model file, and a data set. */
export interface Given {
  readonly model?: string | undefined;
  readonly data?: string | undefined;
}

/** Runs one benchmark: its module exports `run(size, given)`. */
export async function runBenchmark(name: string, size: BenchSize, given: Given = {}): Promise<Figures> {
  const module = (await import(join(import.meta.dir, `${name}.bench.ts`))) as {
    readonly run: (size: BenchSize, given: Given) => Promise<Figures>;
  };
  return module.run(size, given);
}

/**
 * What is learnt in some minutes, beside what PyTorch learns: `npm run bench:learning -- [NAME...] [--seed S]
 * [--minutes M | --samples N] [--keep DIR]`. Every row trains and scores as a user would; NAME picks rows, DIR keeps the detectors. Prints a line a run, the
 * table, and one line of JSON; exits with 1 where a figure is below what it must be. All rows take about an hour and
 * a quarter on a quiet machine of two cores.
 */
import { parseArgs } from "node:util";
import { DETECTOR_ROWS } from "./learning-detector.ts";
import { FACE_ROWS } from "./learning-faces.ts";
import type { LearningRow, RunResult } from "./learning-row.ts";
import { SINGLE_BOX_ROWS } from "./learning-single-box.ts";

const ROWS: readonly LearningRow[] = [...DETECTOR_ROWS, ...FACE_ROWS, ...SINGLE_BOX_ROWS];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    minutes: { type: "string" },
    samples: { type: "string" },
    keep: { type: "string" },
  },
});
const unknown = positionals.filter((name) => !ROWS.some((row) => isNamed(row, name)));
if (unknown.length > 0) {
  const names = ROWS.map(({ name }) => name).join(", ");
  process.stderr.write(`no row ${unknown.join(", ")}; there are ${names}\n`);
  process.exit(2);
}

/** `faces` names `faces-pairs` and `faces-20`. */
function isNamed({ name }: LearningRow, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}-`);
}

interface Outcome {
  readonly row: LearningRow;
  readonly runs: readonly (RunResult & { readonly seed: number })[];
  readonly mean: number;
}

async function measured(row: LearningRow): Promise<Outcome> {
  const seeds = values.seed === undefined ? row.seeds : [Number(values.seed)];
  const minutes = values.minutes === undefined ? row.minutes : Number(values.minutes);
  const samples = values.samples === undefined ? {} : { samples: Number(values.samples) };
  const keep = values.keep === undefined ? {} : { keep: values.keep };
  const runs: Outcome["runs"][number][] = [];
  for (const seed of seeds) {
    const result = await row.run({ seed, minutes, ...samples, ...keep });
    runs.push({ seed, ...result });
    print(`${row.name} seed ${seed}: ${row.measure} ${result.value.toFixed(4)} ${figuresText(result)}`);
  }
  return { row, runs, mean: runs.reduce((sum, { value }) => sum + value, 0) / runs.length };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function figuresText({ figures }: RunResult): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(" ");
}

function tableLine(cells: readonly (string | number)[]): string {
  const [name = "", ...rest] = cells;
  const digits = (cell: string | number): string => (typeof cell === "number" ? cell.toFixed(3) : cell);
  return String(name).padEnd(20) + rest.map((cell) => digits(cell).padStart(11)).join("");
}

const outcomes: Outcome[] = [];
for (const row of ROWS) {
  if (positionals.length === 0 || positionals.some((name) => isNamed(row, name)))
    outcomes.push(await measured(row));
}
print("");
print(tableLine(["", "figure", "ours", "reference", "must", "goal", "runs", ""]));
for (const { row, runs, mean } of outcomes) {
  const verdict = mean < row.must ? "MISSED" : mean < row.goal ? "ok" : "goal";
  const { name, measure, must, goal, reference } = row;
  print(tableLine([name, measure, mean, reference ?? "-", must, goal, String(runs.length), verdict]));
}
const isMissed = outcomes.some(({ row, mean }) => mean < row.must);
const rows = outcomes.map(({ row: { name, measure, must, goal, reference }, runs, mean }) => {
  return { name, measure, value: mean, must, goal, reference, runs };
});
print(JSON.stringify({ benchmark: "learning", ok: !isMissed, rows }));
process.exit(isMissed ? 1 : 0);

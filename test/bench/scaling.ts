/**
 * How training gains from machines, and what a fault costs: `npm run bench:scaling [PART...]`. Prints a table and a
 * last JSON line; exits 1 where a bound of the table is missed. Networks are namespaces with virtual Ethernet between
 * them, rates limited by tc; wires of `test/support/relay.ts` make delay and losses. Where more machines are wanted
 * than there are cores, computing is a stand-in: a wait of known length, said in the row.
 */
import { namespacesMissing, wakeLoopback } from "../support/namespaces.ts";
import { PARTS, type Row } from "./scaling-parts.ts";

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const unknown = wanted.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  process.stderr.write(`no part ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}\n`);
  process.exit(2);
}
const missing = namespacesMissing();
if (missing === undefined && process.env.VIGIA_BENCH_INSIDE === undefined) {
  // In a network namespace of its own, so that this machine's network is left alone.
  const inside = Bun.spawn(["unshare", "--net", process.execPath, import.meta.path, ...wanted], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, VIGIA_BENCH_INSIDE: "1" },
  });
  process.exit(await inside.exited);
}

if (missing === undefined) wakeLoopback();

const rows: Row[] = [];
let failed = false;
for (const [name, part] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const lacking =
    part.needsNamespaces && missing !== undefined ? `network namespaces: ${missing}` : part.missing;
  if (lacking !== undefined) {
    process.stdout.write(`${name.padEnd(9)} skipped: ${lacking}\n`);
    continue;
  }
  try {
    for (const row of await part.run()) {
      rows.push(row);
      process.stdout.write(`${lineOf(name, row)}\n`);
      failed ||= verdictOf(row) === "MISSED";
    }
  } catch (error) {
    failed = true;
    process.stdout.write(`${name.padEnd(9)} FAILED: ${error instanceof Error ? error.message : error}\n`);
  }
}
const figures = Object.fromEntries(rows.map(({ key, value }) => [key, +value.toPrecision(4)]));
process.stdout.write(`${JSON.stringify({ benchmark: "scaling", ...figures })}\n`);
process.exit(failed ? 1 : 0);

function lineOf(part: string, row: Row): string {
  const { what, value, unit, must, goal } = row;
  const bounds = must === undefined ? "" : `must ${must}, goal ${goal}  ${verdictOf(row)}`;
  return `${part.padEnd(9)} ${what.padEnd(72)} ${+value.toPrecision(3)} ${unit}  ${bounds}`.trimEnd();
}

function verdictOf({ value, must, goal, isLess }: Row): "goal" | "ok" | "MISSED" | "" {
  if (must === undefined || goal === undefined) return "";
  const reaches = (bound: number): boolean => (isLess === true ? value <= bound : value >= bound);
  return reaches(goal) ? "goal" : reaches(must) ? "ok" : "MISSED";
}

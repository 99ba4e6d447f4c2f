/**
 * Runs the benchmarks, all or those named: `npm run bench [NAME...] [-- --model FILE --data DATASET]`. A figure a line,
 * JSON as each one's last.
 */
import { parseArgs } from "node:util";
import { listBenchmarks, runBenchmark } from "./harness.ts";

const { values: given, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { model: { type: "string" }, data: { type: "string" } },
});
const all = listBenchmarks();
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(", ")}; there are ${all.join(", ")}\n`);
  process.exit(2);
}
for (const name of wanted.length > 0 ? wanted : all) {
  const figures = await runBenchmark(name, "full", given);
  for (const [key, value] of Object.entries(figures)) {
    process.stdout.write(`${name.padEnd(12)} ${key.padEnd(40)} ${Number(value.toPrecision(4))}\n`);
  }
  process.stdout.write(`${JSON.stringify({ benchmark: name, ...figures })}\n`);
}
process.exit();

/**
 * How many cameras a machine watches, what quiet ones cost, and how soon a row is there:
 * `npm run bench:cameras [quiet] [capacity] [latency] [--model FILE] [--constant-rate]`.
 *
 * Cameras are a process of their own that sends files coded beforehand, on the same machine: its work (about 3% of a
 * core for 8 cameras) is not counted as ours, but it takes its share of the cores. Without `--model` a detector is
 * trained for a minute on drawn pictures. With `--constant-rate` the cameras give every picture the same number of
 * bits, so that its size tells nothing of motion. Prints a table and, last, a line of JSON; ends with 1 where a "must"
 * is missed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CLASSES, makeClips } from "./cameras/clips.ts";
import { type Bench, measureCapacity, measureLatency, measureQuiet } from "./cameras/parts.ts";
import { runCommand } from "./cameras/system.ts";

const TRAINING_MINUTES = 1.2;
const COUNTS = [12, 16, 24, 32];

interface Target {
  readonly key: string;
  readonly words: string;
  readonly must: number;
  readonly goal: number;
  readonly better: "less" | "more";
}
const TARGETS: readonly Target[] = [
  { key: "quietCpuRatio", words: "8 quiet cameras, CPU / ffmpeg's", must: 2, goal: 1.3, better: "less" },
  { key: "busyCameras", words: "cameras in motion, none skipped", must: 12, goal: 32, better: "more" },
  { key: "latency95thMs", words: "light to row, 95th percentile, ms", must: 600, goal: 250, better: "less" },
];

const { values, positionals } = parseArgs({
  options: { model: { type: "string" }, "constant-rate": { type: "boolean" } },
  allowPositionals: true,
});
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const known = {
  quiet: (bench: Bench) => measureQuiet(bench, 20),
  capacity: (bench: Bench) => measureCapacity(bench, COUNTS, 15, tell),
  latency: (bench: Bench) => measureLatency(bench, 45),
};
const names = positionals.length === 0 ? Object.keys(known) : positionals;
const unknown = names.filter((name) => !(name in known));
if (unknown.length > 0) {
  tell(`no part ${unknown.join(", ")}; there are ${Object.keys(known).join(", ")}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "vigia-cameras-"));
const figures: Record<string, number> = {};
try {
  tell("drawing clips");
  const clips = await makeClips(folder, values["constant-rate"] === true ? "constant" : "variable");
  const model = values.model === undefined ? await trainDetector(folder) : resolve(values.model);
  for (const name of names) {
    tell(`measuring: ${name}`);
    Object.assign(figures, await known[name as keyof typeof known]({ folder, clips, model }));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

let missed = 0;
for (const { key, words, must, goal, better } of TARGETS) {
  const value = figures[key];
  if (value === undefined) continue;
  const meets = (limit: number): boolean => (better === "less" ? value <= limit : value >= limit);
  const verdict = meets(goal) ? "goal" : meets(must) ? "must" : "MISSED";
  if (verdict === "MISSED") missed++;
  process.stdout.write(
    `${words.padEnd(36)} ${String(Number(value.toPrecision(3))).padStart(8)}   must ${must}, goal ${goal}: ${verdict}\n`,
  );
}
process.stdout.write(`${JSON.stringify({ benchmark: "cameras", ...figures })}\n`);
process.exit(missed > 0 ? 1 : 0);

async function trainDetector(into: string): Promise<string> {
  tell(`training a detector for ${TRAINING_MINUTES} minutes`);
  const [pictures, model] = [join(into, "pictures"), join(into, "model.onnx")];
  await runCommand(["synth", pictures, "--images", "300", "--classes", String(CLASSES), "--seed", "3"]);
  await runCommand([
    "train",
    pictures,
    "--out",
    model,
    "--size",
    "256",
    "--minutes",
    String(TRAINING_MINUTES),
  ]);
  return model;
}

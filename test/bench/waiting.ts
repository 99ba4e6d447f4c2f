/**
 * The share of its time that compute waits for pictures: `bun test/bench/waiting.ts [--data SET] [--chunks N]`. As
 * many learners as there are cores, each in a process of its own with one thread for the network and one that draws,
 * learn the detector at 320 px from a real data set, mosaics on. The first chunks, when everything warms up, are left
 * out. Prints the share of each, and a line of JSON.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { AppError } from "../../shared/base/errors.ts";
import { silentLog } from "../../shared/base/log.ts";
import { preparePicture } from "../../shared/dataset/prepared.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { openLearner } from "../../shared/learn/learner.ts";
import { planFor } from "../../shared/learn/plan.ts";
import { startWeights } from "../../shared/learn/start-weights.ts";
import { dataPath } from "../support/data.ts";
import { figureOf } from "./child-figure.ts";
import { engineNamed } from "./engines.ts";

const WARM_CHUNKS = 10;
const PICTURES = 200;

/** Shares of the learners' time, 0 to 1; undefined where the data set is not at hand. */
export async function waitShares(set: string, chunks: number): Promise<number[] | undefined> {
  if (dataPath(`detection/${set}`) === undefined) return undefined;
  const command = [
    process.execPath,
    import.meta.path,
    "--measure",
    "--data",
    set,
    "--chunks",
    String(chunks),
  ];
  const learners = Array.from({ length: availableParallelism() }, () =>
    Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" }),
  );
  return Promise.all(learners.map(figureOf));
}

async function measureHere(set: string, chunks: number): Promise<number> {
  const root = dataPath(`detection/${set}`);
  if (root === undefined) throw new AppError("usage", `there is no data set ${set}`);
  const { classes, splits } = await readDataset(root, { log: silentLog });
  const samples = (splits.train ?? []).slice(0, PICTURES);
  const plan = planFor({ network: { kind: "detector", size: 320 } }, { classes, pictures: samples.length });
  const pictures = await Promise.all(samples.map((sample) => preparePicture(sample, plan.cacheSidePx)));
  await using engine = await engineNamed("native", 1);
  await using learner = await openLearner({ plan, pictures, engine, prepare: "thread" });
  const weights = startWeights(plan);
  const gradient = new Float32Array(weights.length);
  let [waitedMs, computedMs] = [0, 0];
  for (let chunk = 0; chunk < WARM_CHUNKS + chunks; chunk++) {
    const { waitMs, computeMs } = await learner.computeChunk(weights, chunk, 0, gradient);
    if (chunk < WARM_CHUNKS) continue;
    waitedMs += waitMs;
    computedMs += computeMs;
  }
  return waitedMs / (waitedMs + computedMs);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      data: { type: "string", default: "playing-cards" },
      chunks: { type: "string", default: "40" },
      measure: { type: "boolean", default: false },
    },
  });
  if (values.measure) {
    process.stdout.write(String(await measureHere(values.data, Number(values.chunks))));
    process.exit();
  }
  const shares = await waitShares(values.data, Number(values.chunks));
  if (shares === undefined) throw new AppError("usage", `there is no data set ${values.data}`);
  const words = shares.map((share) => `${(100 * share).toFixed(1)}%`);
  process.stdout.write(`compute waits for pictures ${words.join(" and ")} of its time\n`);
  process.stdout.write(`${JSON.stringify({ data: values.data, shares })}\n`);
  process.exit();
}

/**
 * How good the thresholds are that few pictures choose: `bun test/bench/thresholds.ts MODEL=DATASET ... [--aside 24]
 * [--draws 200]`. Each model looks at the test pictures of a data set that it did not learn from. Again and again some of
 * them, drawn by chance, choose the thresholds, and the others say what these are worth (F1; precision and recall, all
 * classes together), beside one threshold for all and the best of each class that could have been chosen, in tenths.
 */
import { parseArgs } from "node:util";
import { silentLog } from "../../shared/base/log.ts";
import { Progress } from "../../shared/base/progress.ts";
import { Random } from "../../shared/base/random.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { openModel } from "../../shared/detect/model.ts";
import { CountingMetric, type DetectionCounts } from "../../shared/metrics/counts.ts";
import { addAll, type ScoredPicture } from "../../shared/metrics/metric.ts";
import { BestThresholds } from "../../shared/metrics/thresholds.ts";
import { evaluateModel } from "../../src/evaluate-model.ts";

const TENTHS = Array.from({ length: 9 }, (_, i) => (i + 1) / 10);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { aside: { type: "string", default: "24" }, draws: { type: "string", default: "200" } },
});

interface Worth {
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
}

async function lookAt(
  modelFile: string,
  dataset: string,
): Promise<{ classes: number; scored: ScoredPicture[] }> {
  const model = await openModel(modelFile, { device: "cpu", threads: 1 }, silentLog);
  const pictures = await readDataset(dataset, { log: silentLog });
  const context = { signal: AbortSignal.timeout(30 * 60_000), log: silentLog };
  const { scored } = await evaluateModel(
    model,
    pictures,
    "test",
    new Progress({ isTerminal: false, write: () => {} }),
    context,
  );
  return { classes: model.info.classes.length, scored: [...scored] };
}

function worthAt(thresholds: readonly number[], pictures: readonly ScoredPicture[]): DetectionCounts {
  const metric = new CountingMetric(thresholds);
  addAll(pictures, [metric]);
  return metric.result();
}

/** The best tenth of each class, by its own F1. */
function bestTenths(classes: number, pictures: readonly ScoredPicture[]): number[] {
  const each = TENTHS.map((tenth) => worthAt(new Array<number>(classes).fill(tenth), pictures).perClass);
  return Array.from({ length: classes }, (_, c) => {
    const f1s = each.map((perClass) => perClass[c]!.f1);
    return TENTHS[f1s.indexOf(Math.max(...f1s))]!;
  });
}

const names = ["chosen", "0.3", "0.5", "best"] as const;
const means = new Map<string, Worth[]>(names.map((name) => [name, []]));
const mean = (all: readonly Worth[]): Worth => {
  const of = (part: keyof Worth): number => all.reduce((sum, one) => sum + one[part], 0) / all.length;
  return { f1: of("f1"), precision: of("precision"), recall: of("recall") };
};
const text = ({ f1, precision, recall }: Worth): string =>
  `${f1.toFixed(3)} (${precision.toFixed(2)}, ${recall.toFixed(2)})`;
const line = (head: string, cells: readonly string[]): void => {
  process.stdout.write(`${head.padEnd(24)}${cells.map((cell) => cell.padStart(22)).join("")}\n`);
};

line("F1 (precision, recall)", names);
for (const pair of positionals) {
  const [file = "", dataset = ""] = pair.split("=", 2);
  const { classes, scored } = await lookAt(file, dataset);
  const aside = Math.min(Number(values.aside), scored.length >> 1);
  const random = new Random(1, "thresholds");
  const worths = new Map<string, Worth[]>(names.map((name) => [name, []]));
  for (let draw = 0; draw < Number(values.draws); draw++) {
    const order = [...random.permutation(scored.length)].map((place) => scored[place]!);
    const choosing = new BestThresholds(classes);
    addAll(order.slice(0, aside), [choosing]);
    const others = order.slice(aside);
    const same = (threshold: number): number[] => new Array<number>(classes).fill(threshold);
    const all = [choosing.result(), same(0.3), same(0.5), bestTenths(classes, others)];
    for (const [i, name] of names.entries()) worths.get(name)!.push(worthAt(all[i]!, others).all);
  }
  for (const name of names) means.get(name)!.push(mean(worths.get(name)!));
  line(
    file.split(/[/\\]/).at(-1)!,
    names.map((name) => text(mean(worths.get(name)!))),
  );
}
line(
  "mean",
  names.map((name) => text(mean(means.get(name)!))),
);
process.exit(0);

/**
 * Events that are found on clips with truth: `npm run bench:events -- [PART...] [--model PART=FILE ...] [--minutes M]`.
 * Each part trains a model as a user would (or takes the one given), watches its clip, slide show or drawn streets as
 * fast as the machine can (`vigia watch`), and holds the sightings against what was there. Prints a line a part, the
 * whole, and one line of JSON; exits with 1 where what must be is missed. All parts take about 20 minutes on a quiet
 * machine of two cores; with models given about 6.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PARTS, type Part } from "./events/parts.ts";
import { type EventScore, type PrintedSighting, scoreEvents } from "./events/score-events.ts";

const FOUND_MUST = 0.95;
const WRONG_MUST = 0.05;
const MAIN = join(import.meta.dir, "../../src/main.ts");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", multiple: true },
    minutes: { type: "string" },
    verbose: { type: "boolean" },
  },
});
const models = new Map((values.model ?? []).map((text) => text.split("=", 2) as [string, string]));
const unknown = [...positionals, ...models.keys()].filter(
  (name) => !PARTS.some((part) => part.name === name),
);
if (unknown.length > 0) {
  const names = PARTS.map(({ name }) => name).join(", ");
  process.stderr.write(`no part ${unknown.join(", ")}; there are ${names}\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "vigia-events-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A command of ours, its last words on standard error where it fails. */
function vigia(...args: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, MAIN, ...args], { stderr: "pipe" });
  if (exitCode !== 0)
    throw new Error(`vigia ${args[0]} ended with ${exitCode}: ${stderr.toString().slice(-2000)}`);
  return stdout.toString();
}

async function scored(part: Part): Promise<EventScore | undefined> {
  const place = join(folder, part.name);
  const dataset = await part.dataset(join(place, "pictures"));
  if (dataset === undefined) return undefined;
  let model = models.get(part.name);
  if (model === undefined) {
    model = join(place, "model.onnx");
    vigia("train", dataset, "--out", model, "--minutes", values.minutes ?? String(part.minutes));
  }
  const { cameras, events, isMinor, slackMs } = await part.footage(place);
  const lines = vigia("watch", "--model", model, "--data", join(place, "log"), "--json", ...cameras);
  const sightings = lines
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as PrintedSighting);
  return scoreEvents(events, sightings, slackMs, isMinor);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

const chosen = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const rows: { readonly part: string; readonly score: EventScore }[] = [];
for (const part of chosen) {
  const score = await scored(part);
  if (score === undefined) {
    print(`${part.name.padEnd(14)} skipped: its data set is not at hand (VIGIA_DATA)`);
    continue;
  }
  rows.push({ part: part.name, score });
  const { events, found, sightings, wrong, missed } = score;
  print(
    `${part.name.padEnd(14)} ${found} of ${events} events found (${percent(found / events)}), ` +
      `${wrong.length} of ${sightings} sightings false or doubled`,
  );
  if (values.verbose !== true) continue;
  for (const { camera, className, fromMs, untilMs } of missed) {
    print(
      `  missed ${camera} ${className} ${(fromMs / 1000).toFixed(1)} to ${(untilMs / 1000).toFixed(1)} s`,
    );
  }
  for (const one of wrong) {
    print(
      `  wrong  ${one.camera} ${one.class} ${one.firstSeenSeconds} to ${one.lastSeenSeconds} s, ${one.score}`,
    );
  }
}

const sum = (count: (score: EventScore) => number): number =>
  rows.reduce((total, { score }) => total + count(score), 0);
const found =
  sum((score) => score.found) /
  Math.max(
    1,
    sum((score) => score.events),
  );
const wrong =
  sum(({ wrong: list }) => list.length) /
  Math.max(
    1,
    sum((score) => score.sightings),
  );
const isMet = found >= FOUND_MUST && wrong < WRONG_MUST;
print(
  `${"all".padEnd(14)} ${percent(found)} found (must ${percent(FOUND_MUST)}), ${percent(wrong)} wrong (under 5%)`,
);
const parts = rows.map(({ part, score }) => ({
  part,
  events: score.events,
  found: score.found,
  sightings: score.sightings,
  wrong: score.wrong.length,
}));
print(JSON.stringify({ bench: "events", found, wrong, parts, isMet }));
process.exit(isMet ? 0 : 1);

/**
 * Where a training round's time goes, and what a second core gives: `npm run bench:round [-- --seconds S] [--times N]`.
 * The detector at 320 px, 8 pictures a round, learns with one worker on one core, with two workers on two cores, and
 * with one worker of two threads on two cores, in turn, several times over; each counts with its best run. Prints a
 * table, then one line of JSON; exits with 1 where two workers are less than 1.85 times as fast as one.
 */
import { parseArgs } from "node:util";
import { type Speed, type SpeedSetting, trainingSpeed } from "./training-speed.ts";

const MUST = 1.85;
const GOAL = 1.97;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "12" }, times: { type: "string", default: "2" } },
});
const seconds = Number(values.seconds);
const options = { network: "detector", sizePx: 320, chunkSize: 4, chunksPerRound: 2 } as const;
const settings = {
  "1 worker on 1 core": { workers: 1, threads: 1, cores: 1, options, seconds },
  "2 workers on 2 cores": { workers: 2, threads: 1, cores: 2, options, seconds },
  "1 worker of 2 threads on 2 cores": { workers: 1, threads: 2, cores: 2, options, seconds },
} as const satisfies Record<string, SpeedSetting>;

type Name = keyof typeof settings;
const names = Object.keys(settings) as Name[];
const best = new Map<Name, Speed>();
for (let time = 0; time < Number(values.times); time++) {
  for (const name of names) {
    const speed = await trainingSpeed(settings[name]);
    if (speed.samplesPerSecond > (best.get(name)?.samplesPerSecond ?? 0)) best.set(name, speed);
  }
}

/** Threads as they are named, and what they do. */
const KINDS = { learn: "network", draw: "pictures", main: "ring, update" } as const;
const cells = (speed: Speed): string[] => {
  const { cpuMs } = speed;
  const named = Object.keys(KINDS).map((kind) => cpuMs[kind] ?? 0);
  const all = Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);
  const rest = all - named.reduce((sum, ms) => sum + ms, 0);
  const roundMs = (8 * 1000) / speed.samplesPerSecond;
  return [speed.samplesPerSecond, roundMs, ...named, rest, speed.cpuMsPerSample].map((x) => x.toFixed(1));
};
const line = (first: string, rest: readonly string[]): void => {
  process.stdout.write(`${first.padEnd(34)}${rest.map((cell) => cell.padStart(14)).join("")}\n`);
};
line("", ["pictures/s", "ms a round", ...Object.values(KINDS), "runtime", "CPU ms/pict."]);
for (const [name, speed] of best) line(name, cells(speed));
process.stdout.write(
  `(CPU ms a round of all workers together: ${Object.values(KINDS).join("; ")}; runtime)\n`,
);

const rate = (name: Name): number => best.get(name)?.samplesPerSecond ?? 0;
const scaling = rate("2 workers on 2 cores") / rate("1 worker on 1 core");
const threads = rate("1 worker of 2 threads on 2 cores") / rate("1 worker on 1 core");
process.stdout.write(
  `2 workers on 2 cores against 1 on 1: ${scaling.toFixed(2)} (must ${MUST}, goal ${GOAL})\n`,
);
process.stdout.write(`1 worker of 2 threads against 1 on 1 core: ${threads.toFixed(2)}\n`);
process.stdout.write(
  `${JSON.stringify({ scaling, threads, must: MUST, goal: GOAL, ...Object.fromEntries(best) })}\n`,
);
process.exit(scaling >= MUST ? 0 : 1);

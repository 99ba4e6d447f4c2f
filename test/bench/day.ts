/**
 * A day in miniature: `npm run bench:day [-- --minutes M]`, 20 by default. Video, tester and watcher as real processes
 * with a page open; four slide shows at which visits come and go several times a second, ten times what a busy shop
 * sees. The memory of each process is sampled; exits 1 where one grows by 5% or more after the first three minutes.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { formatAddress } from "../../shared/net/address.ts";
import { SightingLog } from "../../shared/store/sightings.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";
import { testSite } from "../support/site-roles.ts";
import { drawSlideShow } from "../support/slide-show.ts";
import { tempFolder } from "../support/temp.ts";
import { untrainedModel } from "../support/untrained-model.ts";

const CAMERAS = 4;
const SAMPLE_EVERY_MS = 2000;
const WARM_UP_MINUTES = 3;
const GROWTH_MAX = 0.05;
const MB = 1024 * 1024;

/** A process's memory at a moment of the run. */
interface Sample {
  readonly atMinutes: number;
  readonly bytes: number;
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "20" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 1440)) throw new Error("--minutes takes a number up to 1440");
// A run too short for three minutes of warming up says less, and says so by its figure.
const warmUp = Math.min(WARM_UP_MINUTES, 0.4 * minutes);

using folder = tempFolder();
const site = testSite();
const model = join(folder.path, "model.onnx");
writeFileSync(model, untrainedModel(["cat", "dog"], { threshold: 1.75e-4 }));
const start = (role: string, ...words: string[]): Promise<RoleProcess> =>
  startRole(join(folder.path, role), site.token, role, words);

const cameras: string[] = [];
for (let i = 0; i < CAMERAS; i++) {
  const pictures = join(folder.path, `pictures-${i}`);
  await drawSlideShow(pictures, i);
  cameras.push(`camera-${i}=${pictures}?seconds=0.6&fps=10&loop=1`);
}
await using video = await start(
  "video",
  "--listen",
  "127.0.0.1:0",
  "--rtsp",
  "127.0.0.1:0",
  "--camera",
  ...cameras,
);
await using tester = await start(
  "tester",
  ...["--listen", "127.0.0.1:0", "--model", model, "--video", formatAddress(video.address)],
  ...["--data", "data", "--near", "0"],
);
await using watcher = await start(
  "watcher",
  ...["--http", "127.0.0.1:0", "--tester", formatAddress(tester.address)],
);
await using page = await openPage(`http://${formatAddress(watcher.address)}/`);

const samples = new Map<string, Sample[]>([
  ["video", []],
  ["tester", []],
  ["watcher", []],
]);
const pids = { video: video.pid, tester: tester.pid, watcher: watcher.pid };
const startedMs = performance.now();
for (let saidMinutes = 0; ; ) {
  const atMinutes = (performance.now() - startedMs) / 60_000;
  if (atMinutes >= minutes) break;
  for (const [name, pid] of Object.entries(pids)) {
    samples.get(name)!.push({ atMinutes, bytes: residentBytes(name, pid) });
  }
  if (Math.floor(atMinutes) > saidMinutes) {
    saidMinutes = Math.floor(atMinutes);
    const now = [...samples].map(([name, list]) => `${name} ${(list.at(-1)!.bytes / MB).toFixed(0)} MB`);
    process.stderr.write(`minute ${saidMinutes} of ${minutes}: ${now.join(", ")}\n`);
  }
  await Bun.sleep(SAMPLE_EVERY_MS);
}

using log = new SightingLog(join(folder.path, "tester", "data"));
const growths: Record<string, number> = {};
process.stdout.write("process     at start      at end   a minute   growth   must\n");
for (const [name, list] of samples) {
  const warm = list.filter(({ atMinutes }) => atMinutes >= warmUp);
  // A heap breathes by some megabytes: quarters of the time are compared, not moments.
  const quarter = Math.ceil(warm.length / 4);
  const from = median(warm.slice(0, quarter).map(({ bytes }) => bytes));
  const to = median(warm.slice(-quarter).map(({ bytes }) => bytes));
  const slope = (to - from) / (0.75 * (minutes - warmUp));
  growths[name] = to / from - 1;
  const cells = [
    `${(from / MB).toFixed(1)} MB`,
    `${(to / MB).toFixed(1)} MB`,
    `${(slope / MB).toFixed(2)} MB`,
    `${(100 * growths[name]).toFixed(1)}%`,
    `${growths[name] < GROWTH_MAX ? "under" : "MISSED"} ${100 * GROWTH_MAX}%`,
  ];
  process.stdout.write(`${name.padEnd(9)}${cells.map((cell) => cell.padStart(11)).join("")}\n`);
}
const figures = {
  minutes,
  warmUpMinutes: warmUp,
  sightings: log.count,
  changes: log.revision,
  page: page.kind,
  growth: growths,
};
process.stdout.write(`${JSON.stringify({ benchmark: "day", ...figures })}\n`);
if (Object.values(growths).some((growth) => growth >= GROWTH_MAX)) process.exitCode = 1;

/** Physical memory that a process holds, with what it shares. Throws when it has ended. */
function residentBytes(name: string, pid: number): number {
  const { stdout } = Bun.spawnSync(["ps", "-o", "rss=", "-p", String(pid)]);
  const kilobytes = Number(stdout.toString());
  if (!(kilobytes > 0)) throw new Error(`${name} has ended`);
  return 1024 * kilobytes;
}

/** The page in Chromium; where there is none, what it would ask for, as often. */
async function openPage(address: string): Promise<AsyncDisposable & { readonly kind: string }> {
  const chromiumPath = Bun.which("chromium");
  if (chromiumPath !== null) {
    const browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ["--no-sandbox", "--disable-gpu"],
    });
    await (await browser.newPage()).goto(address);
    return { kind: "chromium", [Symbol.asyncDispose]: () => browser.close() };
  }
  const stop = new AbortController();
  const asking = (async () => {
    const events = await fetch(`${address}events`, { signal: stop.signal });
    void events.body?.pipeTo(new WritableStream());
    while (!stop.signal.aborted) {
      for (let i = 0; i < CAMERAS; i++) await (await fetch(`${address}camera/0/camera-${i}`)).arrayBuffer();
      await Bun.sleep(700);
    }
  })().catch(() => {});
  return {
    kind: "requests",
    async [Symbol.asyncDispose]() {
      stop.abort();
      await asking;
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

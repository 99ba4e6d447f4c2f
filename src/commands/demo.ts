import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { Progress } from "../../shared/base/progress.ts";
import { countText } from "../../shared/base/text.ts";
import { throwIfAborted } from "../../shared/base/wait.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { writeSyntheticDataset } from "../../shared/dataset/synthetic/dataset.ts";
import { formatAddress } from "../../shared/net/address.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Address } from "../../shared/net/connection.ts";
import { openSite, type Site } from "../../shared/net/site.ts";
import { newToken } from "../../shared/net/token.ts";
import { SightingLog } from "../../shared/store/sightings.ts";
import { noteText } from "../../shared/training/job-words.ts";
import { JobClient } from "../../shared/training/submit.ts";
import { openInBrowser } from "../demo/browser.ts";
import { cameraName, cameraSeed, type DemoPlan, planDemo } from "../demo/plan.ts";
import { type Ready, SiteProcesses } from "../demo/processes.ts";
import { type Score, scoreSightings } from "../demo/score.ts";
import { SiteView } from "../demo/site-view.ts";
import { trueVisits, watchedVisits } from "../demo/truth.ts";
import { wholeFlag } from "../flags.ts";
import { COMMON_FLAGS, type Command, type CommandContext, isSet, textOf } from "../shell.ts";

const MODEL_NAME = "demo";
const LOOPBACK = "127.0.0.1:0";
/** A trained model must reach the tester within this time. */
const MODEL_WITHIN_MS = 30_000;
const POLL_MS = 250;

export const command: Command = {
  definition: {
    meta: {
      name: "demo",
      description: "Every role on this machine, with pictures it draws itself: train, watch, see.",
    },
    args: {
      classes: { type: "string", valueHint: "N", description: "Kinds of things to learn (8)." },
      cameras: { type: "string", valueHint: "N", description: "Cameras to watch (4)." },
      workers: { type: "string", valueHint: "N", description: "Workers that train (2)." },
      seconds: { type: "string", valueHint: "S", description: "End after so long (until Ctrl-C)." },
      browser: {
        type: "boolean",
        default: true,
        description: "Open the page (--no-browser: only print it).",
      },
      keep: { type: "string", valueHint: "DIR", description: "Keep everything in this folder." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const plan = planDemo({
      classes: wholeFlag("classes", textOf(flags, "classes"), 2, 12) ?? 8,
      cameras: wholeFlag("cameras", textOf(flags, "cameras"), 1, 16) ?? 4,
      workers: wholeFlag("workers", textOf(flags, "workers"), 1, 8) ?? 2,
      seconds: wholeFlag("seconds", textOf(flags, "seconds"), 30, 86_400),
    });
    const kept = textOf(flags, "keep");
    const folder = resolve(kept ?? (await mkdtemp(join(tmpdir(), "vigia-demo-"))));
    await mkdir(folder, { recursive: true });
    try {
      await runDemo(plan, folder, isSet(flags, "browser"), context);
    } finally {
      if (kept === undefined) await rm(folder, { recursive: true, force: true });
    }
  },
};

/** The demo from its start to its score. */
async function runDemo(
  plan: DemoPlan,
  folder: string,
  browser: boolean,
  context: CommandContext,
): Promise<void> {
  const startedMs = performance.now();
  const deadline = plan.seconds === undefined ? undefined : AbortSignal.timeout(1000 * plan.seconds);
  const stop = deadline === undefined ? context.signal : AbortSignal.any([context.signal, deadline]);
  using progress = new Progress();
  const token = newToken();
  const site = await openSite({ token, log: context.log });
  await using processes = new SiteProcesses(folder, token, context.log);

  const failed = new AbortController();
  const ready = AbortSignal.any([stop, failed.signal]);
  const [dataset, at] = await Promise.all([
    drawPictures(plan, join(folder, "pictures"), progress, ready),
    startRoles(plan, processes, ready),
  ]).catch((error) => {
    failed.abort();
    throw error;
  });
  const page = `http://${formatAddress(at.page)}/`;
  progress.say(`The page: ${page}`);
  if (browser) openInBrowser(page, context.log);

  const view = new SiteView(({ className }) => {
    progress.say(`First sighting after ${seconds(performance.now() - startedMs)}: ${className}`);
  });
  const following = new AbortController();
  const followed = view.follow(site, at.tester, following.signal, quiet(context.log));
  let version: number | undefined;
  try {
    version = await train(plan, dataset, site, at.trainer, progress, context);
    await watch(plan, view, version, startedMs, progress, stop);
  } finally {
    following.abort();
    await followed;
  }

  // The tester first: it closes the sightings that are still open.
  const untilMs = Date.now();
  await processes.stop("tester");
  using sightings = new SightingLog(join(folder, "tester", "data"));
  const found = sightings.list();
  const fromMs = view.watchingSinceMs ?? untilMs;
  const truths = await trueVisits(plan, found, { startMs: at.camerasSinceMs, fromMs, untilMs });
  const trainedMs = view.inUseSinceMs(version) ?? untilMs;
  const score = scoreSightings(truths, found, watchedVisits(truths, { fromMs: trainedMs, untilMs }));
  report(score, progress);
  const firstMs = Math.min(
    ...found
      .filter((one) => !score.wrong.includes(one))
      .map((one) => view.arrivedMs(one) ?? Number.POSITIVE_INFINITY),
  );
  if (Number.isFinite(firstMs)) progress.say(`first right sighting after ${seconds(firstMs - startedMs)}`);
}

async function drawPictures(
  plan: DemoPlan,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  await writeSyntheticDataset(folder, {
    images: plan.pictures,
    classes: plan.classes,
    seed: 1,
    signal,
    onProgress: (done) => progress.show({ stage: "1/3 drawing pictures", share: done / plan.pictures }),
  });
  throwIfAborted(signal, "the demo was stopped while it drew its pictures");
  return folder;
}

interface Addresses {
  /** When the cameras' scenes began, ms since 1970. */
  readonly camerasSinceMs: number;
  readonly trainer: Address;
  readonly tester: Address;
  readonly page: Address;
}

/** Starts every role as a process of its own; each is told where the others listen. */
async function startRoles(plan: DemoPlan, processes: SiteProcesses, signal: AbortSignal): Promise<Addresses> {
  const start = async (name: string, ...words: string[]): Promise<Address> =>
    addressOf(await processes.start(name, words, signal), name);
  const cameras = Array.from(
    { length: plan.cameras },
    (_, i) => `${cameraName(i)}=synthetic:${cameraSeed(i)}?classes=${plan.classes}`,
  );
  const [trainer, video] = await Promise.all([
    start("trainer", "--role", "trainer", "--listen", LOOPBACK, "--data", "data"),
    start("video", "--role", "video", "--listen", LOOPBACK, "--rtsp", LOOPBACK, "--camera", ...cameras),
  ]);
  const camerasSinceMs = Date.now();
  const tester = await start(
    "tester",
    ...["--role", "tester", "--listen", LOOPBACK, "--data", "data"],
    ...["--trainer", formatAddress(trainer), "--video", formatAddress(video)],
  );
  const page = await start(
    "watcher",
    ...["--role", "watcher", "--http", LOOPBACK, "--tester", formatAddress(tester)],
  );
  await Promise.all(
    Array.from({ length: plan.workers }, (_, i) =>
      start(`worker-${i + 1}`, "--role", "worker", "--threads", "1", "--trainer", formatAddress(trainer)),
    ),
  );
  return { camerasSinceMs, trainer, tester, page };
}

/** Submits the pictures like any client, and follows the job to its end. Returns the version of the model. */
async function train(
  plan: DemoPlan,
  folder: string,
  site: Site,
  address: Address,
  progress: Progress,
  { signal, log }: CommandContext,
): Promise<number> {
  const dataset = await readDataset(folder, { log });
  await using link = await connect({ site, role: "client", address, expect: ["trainer"], signal });
  const client = new JobClient(link, log);
  const { trainingMinutes: minutes, sizePx } = plan;
  const options = {
    network: "detector",
    sizePx,
    minutes,
    seed: 1,
    dataset: "synthetic",
    early: true,
  } as const;
  const jobId = await client.submit({ name: MODEL_NAME, dataset, options }, ({ stage, done, total }) =>
    progress.show({ stage: `2/3 ${stage} pictures`, share: done / total }),
  );
  for await (const { status, modelVersion } of client.follow(jobId)) {
    const rate = status.imagesPerSecond > 0 ? `${Math.round(status.imagesPerSecond)} pictures/s` : "";
    const best = status.bestMap50 === undefined ? "" : `mAP50 ${status.bestMap50.toFixed(2)}`;
    const workers = status.workers.length > 0 ? countText(status.workers.length, "worker") : "";
    progress.show({
      stage: `2/3 ${status.state}`,
      share: status.progress,
      detail: [workers, rate, best, noteText(status.note)].filter((part) => part !== "").join(", "),
      timeLeftMs: status.timeLeftMs,
    });
    if (status.state === "failed" || status.state === "cancelled") {
      throw new AppError("unavailable", `training ${status.state}: ${noteText(status.note)}`);
    }
    if (status.state === "done" && modelVersion !== undefined) return modelVersion;
  }
  throw new AppError("unavailable", "the trainer stopped telling how the training goes");
}

/** Waits for the model to be in use, then watches until the end. */
async function watch(
  plan: DemoPlan,
  view: SiteView,
  version: number,
  startedMs: number,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const modelBy = performance.now() + MODEL_WITHIN_MS;
  while (!stop.aborted) {
    if (view.inUseSinceMs(version) === undefined && performance.now() > modelBy) {
      throw new AppError("unavailable", "the tester did not take up the model in time");
    }
    const elapsedMs = performance.now() - startedMs;
    const totalMs = plan.seconds === undefined ? undefined : 1000 * plan.seconds;
    progress.show({
      stage: "3/3 watching",
      share: totalMs === undefined ? undefined : elapsedMs / totalMs,
      detail: view.summary,
      timeLeftMs: totalMs === undefined ? undefined : totalMs - elapsedMs,
    });
    await Bun.sleep(POLL_MS);
  }
}

function report(score: Score, progress: Progress): void {
  const percent = (share: number): string => `${Math.round(100 * share)}%`;
  progress.say(`${score.sightings} sightings, ${score.right} of them of things that came near`);
  progress.say(
    `precision ${score.precision.toFixed(3)} (${percent(score.precision)} of the sightings are right)`,
  );
  progress.say(
    `recall    ${score.recall.toFixed(3)} (${percent(score.recall)} of what came near the trained model was recorded)`,
  );
  progress.say(`classes   ${score.classesSeen.length}: ${score.classesSeen.join(", ")}`);
  const missed = score.missed.map(({ className, camera }) => `${className} at ${camera}`);
  if (missed.length > 0) progress.say(`missed    ${missed.join(", ")}`);
  const wrong = score.wrong.map(({ className, camera }) => `${className} at ${camera}`);
  if (wrong.length > 0) progress.say(`wrong     ${wrong.join(", ")}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}

function addressOf({ address }: Ready, name: string): Address {
  if (address === undefined) throw new AppError("bug", `${name} did not say where it listens`);
  return address;
}

/** The demo's own link to the tester is no news to anybody. */
function quiet(log: Log): Log {
  return log.child("demo").atLeast("warn");
}

/** Tester: runs the model on every camera, tracks what it sees, keeps the log of sightings and serves it to watchers. */
import { systemClock } from "../../shared/base/clock.ts";
import type { RoleContext } from "../../shared/base/context.ts";
import { errorLine } from "../../shared/base/errors.ts";
import { deferred, onAbort } from "../../shared/base/wait.ts";
import { DetectPool, type LoadedModel } from "../../shared/detect/pool.ts";
import { formatAddress } from "../../shared/net/address.ts";
import { type DialTarget, dialer } from "../../shared/net/dial.ts";
import { announce } from "../../shared/net/discovery.ts";
import { listen } from "../../shared/net/listener.ts";
import { stayConnected } from "../../shared/net/stay-connected.ts";
import { readModelBytes } from "../../shared/nn/model-file.ts";
import { SightingLog } from "../../shared/store/sightings.ts";
import type { JobStatus } from "../../shared/wire/messages/job-status.ts";
import type { TesterStatusMessage } from "../../shared/wire/messages/sightings.ts";
import { Cameras } from "./cameras.ts";
import { Changes } from "./changes.ts";
import { keepWithinLimits } from "./log-keeper.ts";
import { ModelSource } from "./model-source.ts";
import type { TesterOptions } from "./options.ts";
import { RulesSource } from "./rules-source.ts";
import { serveWatcher } from "./serve-watcher.ts";
import { SightingWriter } from "./sighting-writer.ts";

/** How often watchers hear of rates. */
const STATUS_EVERY_MS = 1000;

export async function run(options: TesterOptions, { signal, log }: RoleContext): Promise<void> {
  const done = new AbortController();
  const stop = AbortSignal.any([signal, done.signal]);
  await using scope = new AsyncDisposableStack();

  const sightings = scope.use(openLog(options, log));
  const sightingChanges = new Changes();
  const statusChanges = new Changes();
  const jobChanges = new Changes();
  let jobs: readonly JobStatus[] = [];

  const pool = scope.use(new DetectPool(options.threads, log));
  const writer = new SightingWriter(sightings, log, (sighting) => {
    sightingChanges.tell();
    options.onSighting?.(sighting);
  });
  const rules = new RulesSource(options.rulesFile, log);
  const cameras = new Cameras({ pool, options, rules, writer, statusChanges, log });
  scope.defer(() => cameras.close());

  const modelIsHere = deferred();
  const useModel = async (file: Uint8Array): Promise<void> => {
    const model = await pool.load(file, options.device);
    cameras.useModel(model);
    modelIsHere.resolve();
    log.info("looking for", { ...modelWords(model) });
  };
  const { faces } = options;
  const useFaces = async (file: Uint8Array): Promise<void> => {
    const people = await pool.nameWith(file, faces?.classes ?? [], options.device);
    log.info("naming", { people: people.join(","), of: faces?.classes.join(",") });
  };
  if ("file" in options.model) await useModel(await readModelBytes(options.model.file));
  if (faces !== undefined && "file" in faces.model) await useFaces(await readModelBytes(faces.model.file));

  const listener = scope.use(
    await listen({
      site: options.site,
      role: "tester",
      ...options.listen,
      accept: ["watcher", "client"],
      signal: stop,
      log,
      onConnection: (link) =>
        serveWatcher(link, {
          sightings,
          rules,
          nearHeightShare: options.rules.nearHeightShare,
          useRules: () => cameras.refresh(),
          cameras: cameras.watches,
          classes: () => cameras.model?.info.classes ?? [],
          status: () => statusOf(cameras, writer),
          jobs: () => jobs,
          sightingChanges,
          statusChanges,
          jobChanges,
          log,
        }),
    }),
  );
  if (options.announce)
    scope.use(announce({ site: options.site, role: "tester", address: listener.address, signal: stop, log }));
  log.info("tester is ready", { at: formatAddress(listener.address), data: options.dataDir });
  options.onReady?.(listener.address);

  const links: Promise<void>[] = [];
  if (options.keep !== undefined) links.push(keepWithinLimits(sightings, options.keep, stop, log));
  const keep = (target: DialTarget, session: Parameters<typeof stayConnected>[1]): void => {
    const dial = dialer(options.site, "tester", target);
    links.push(stayConnected({ dial, signal: stop, log }, session));
  };
  if ("name" in options.model) {
    const source = new ModelSource({
      name: options.model.name ?? "",
      dataDir: options.dataDir,
      log,
      onModel: useModel,
      onTraining(now) {
        jobs = now;
        jobChanges.tell();
      },
    });
    await source.useKept();
    keep({ role: "trainer", address: options.trainer }, (link) => source.follow(link));
  }
  if (faces !== undefined && "name" in faces.model) {
    const { name } = faces.model;
    const source = new ModelSource({ name, dataDir: options.dataDir, log, onModel: useFaces });
    await source.useKept();
    keep({ role: "trainer", address: options.trainer }, (link) => source.follow(link));
  }
  // Video nodes share their cameras out among those who come: who cannot look yet must not come.
  const watch = async (): Promise<void> => {
    using _ = onAbort(stop, modelIsHere.resolve);
    if (cameras.model === undefined) log.info("cameras are watched as soon as there is a model");
    await modelIsHere.promise;
    if (stop.aborted) return;
    const videos = options.videos.length > 0 ? options.videos : [undefined];
    for (const address of videos) keep({ role: "video", address }, (link) => cameras.follow(link));
  };
  links.push(watch());

  while (!stop.aborted) {
    await systemClock.sleep(STATUS_EVERY_MS, stop);
    statusChanges.tell();
    cameras.refresh();
    if (options.endWithCameras === true && cameras.allEnded) done.abort();
  }
  await Promise.all(links);
}

/** Opens the log, and puts right what a tester that was killed left behind. */
function openLog({ dataDir }: TesterOptions, log: RoleContext["log"]): SightingLog {
  const sightings = new SightingLog(dataDir);
  try {
    const report = sightings.check({ mend: true });
    const closed = sightings.closeAll();
    const orphans = report.photosWithoutRow.length;
    const removed = (report.tooManyPhotos ? 0 : orphans) + report.unfinished.length;
    if (closed + removed > 0) log.info("put right after an earlier stop", { closed, photosRemoved: removed });
    if (report.tooManyPhotos) {
      log.warn("most photos have no sighting; they are left alone, see vigia check", { photos: orphans });
    }
    if (report.rowsWithoutPhoto.length > 0) {
      log.warn("sightings lack their photo; see vigia check", { rows: report.rowsWithoutPhoto.length });
    }
  } catch (error) {
    log.warn("the log could not be checked", { error: errorLine(error) });
  }
  return sightings;
}

function statusOf(cameras: Cameras, { alarm }: SightingWriter): TesterStatusMessage {
  const model = cameras.model;
  return {
    model: model?.info.name ?? "",
    modelVersion: model?.info.version ?? 0,
    classes: [...(model?.info.classes ?? [])],
    engine: model?.engine ?? "",
    alarm,
    cameras: [...cameras.watches.values()].map((watch) => ({
      status: watch.status,
      testedPerSecond: watch.testedPerSecond,
      skipped: watch.skipped,
      open: watch.openCount,
    })),
  };
}

function modelWords({ info, engine }: LoadedModel): Record<string, string | number> {
  const { classes, name, version, lineage } = info;
  const early = lineage.early === true ? { still: "learning" } : {};
  return { classes: classes.join(","), model: name, version, ...early, engine };
}

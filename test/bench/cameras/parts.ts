import { join } from "node:path";
import { newToken } from "../../../shared/net/token.ts";
import { Dispatch } from "../../../shared/wire/message.ts";
import {
  FollowSightings,
  FollowTester,
  LogOpened,
  SightingRows,
  TesterStatus,
  type TesterStatusMessage,
} from "../../../shared/wire/messages/sightings.ts";
import { AWAY_FRAMES, CAMERA_FPS, type Clips } from "./clips.ts";
import { treeCpuSeconds } from "./process-cpu.ts";
import { Part, startCameras, startRole, watch } from "./system.ts";

/** What all parts of the benchmark are measured with. */
export interface Bench {
  readonly folder: string;
  readonly clips: Clips;
  readonly model: string;
}

const LOOKS_PER_SECOND = 5;
/** A tester that is given 5 frames a second and takes a hundredth less has skipped none: clocks are uneven. */
const LOOKS_PER_SECOND_MIN = 4.9;
const WATCHED_QUIET = 8;
const SETTLE_MS = 15_000;

interface Running {
  readonly cameras: Part;
  readonly video: Part;
  readonly tester: Part;
  readonly token: string;
}

async function startAll(
  { folder, model }: Bench,
  files: readonly string[],
  scope: AsyncDisposableStack,
  onBegin?: (camera: string, wallMs: number) => void,
): Promise<Running> {
  const token = newToken();
  const cameras = scope.use(await startCameras(files, CAMERA_FPS, onBegin));
  const sources = cameras.names.flatMap((name) => [
    "--camera",
    `${name}=rtsp://127.0.0.1:${cameras.address.port}/${name}`,
  ]);
  const parts = { token, folder };
  const video = scope.use(await startRole("video", [...sources, "--rtsp", "127.0.0.1:0"], parts));
  const tester = scope.use(
    await startRole(
      "tester",
      [
        ...[
          "--video",
          `127.0.0.1:${video.address.port}`,
          "--model",
          model,
          "--fps",
          String(LOOKS_PER_SECOND),
        ],
        ...["--data", join(folder, `log-${crypto.randomUUID()}`)],
      ],
      parts,
    ),
  );
  return { cameras, video, tester, token };
}

/**
 * Processor time of watching quiet cameras, over that of ffmpeg decoding the same streams, in the same seconds on the
 * same machine. The cameras' own process is counted on neither side.
 */
export async function measureQuiet(bench: Bench, seconds: number): Promise<Record<string, number>> {
  await using scope = new AsyncDisposableStack();
  const files = Array.from({ length: WATCHED_QUIET }, () => bench.clips.quiet);
  const { cameras, video, tester } = await startAll(bench, files, scope);
  const decoders = files.map((_, number) => {
    const url = `rtsp://127.0.0.1:${cameras.address.port}/camera${number}`;
    const child = Bun.spawn(
      ["ffmpeg", "-v", "error", "-threads", "1", "-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    );
    return scope.use(new Part(child, cameras.address));
  });
  await Bun.sleep(SETTLE_MS);
  const parts = { video: [video], tester: [tester], ffmpeg: decoders };
  const used = () =>
    Object.entries(parts).map(([, of]) => of.reduce((sum, { child }) => sum + treeCpuSeconds(child.pid), 0));
  const before = used();
  await Bun.sleep(1000 * seconds);
  const [videoSeconds, testerSeconds, ffmpegSeconds] = used().map((value, i) => value - before[i]!) as [
    number,
    number,
    number,
  ];
  return {
    quietCpuRatio: (videoSeconds + testerSeconds) / ffmpegSeconds,
    quietVideoCores: videoSeconds / seconds,
    quietTesterCores: testerSeconds / seconds,
    quietFfmpegCores: ffmpegSeconds / seconds,
  };
}

/** Of so many cameras where something moves all the time, the least frames a second that one was looked at. */
async function leastLooks(bench: Bench, count: number, seconds: number): Promise<number> {
  await using scope = new AsyncDisposableStack();
  const files = Array.from({ length: count }, () => bench.clips.busy);
  const { tester, token } = await startAll(bench, files, scope);
  let status: TesterStatusMessage | undefined;
  await using link = await watch(tester, token);
  const dispatch = new Dispatch().on(TesterStatus, (next) => {
    status = next;
  });
  void (async () => {
    for await (const message of link.messages()) await dispatch.run(message);
  })().catch(() => {});
  await link.send(FollowTester, {});
  await Bun.sleep(SETTLE_MS + 200 * count);
  const sums = new Map<string, number[]>();
  for (let second = 0; second < seconds; second++) {
    await Bun.sleep(1000);
    for (const { status: of, testedPerSecond } of status?.cameras ?? []) {
      sums.set(of.name, [...(sums.get(of.name) ?? []), testedPerSecond]);
    }
  }
  const means = [...sums.values()].map((rates) => rates.reduce((a, b) => a + b, 0) / rates.length);
  return means.length < count ? 0 : Math.min(...means);
}

/** The most cameras, of the counts tried in rising order, at which no frame was skipped. */
export async function measureCapacity(
  bench: Bench,
  counts: readonly number[],
  seconds: number,
  tell: (line: string) => void,
): Promise<Record<string, number>> {
  let most = 0;
  const figures: Record<string, number> = {};
  for (const count of counts) {
    const least = await leastLooks(bench, count, seconds);
    figures[`looksPerSecondAt${count}`] = least;
    tell(`${count} cameras in motion: the slowest is looked at ${least.toFixed(2)} times a second`);
    if (least < LOOKS_PER_SECOND_MIN) break;
    most = count;
  }
  return { busyCameras: most, ...figures };
}

/** From the first frame with a thing in it leaving the camera to the log's row arriving at a watcher. */
export async function measureLatency(bench: Bench, seconds: number): Promise<Record<string, number>> {
  await using scope = new AsyncDisposableStack();
  const lightMs = new Map<string, number[]>();
  const files = Array.from({ length: WATCHED_QUIET }, () => bench.clips.comings);
  const { tester, token } = await startAll(bench, files, scope, (camera, wallMs) => {
    lightMs.set(camera, [...(lightMs.get(camera) ?? []), wallMs + (1000 * AWAY_FRAMES) / CAMERA_FPS]);
  });
  await using link = await watch(tester, token);
  const seen = new Set<number>();
  const arrivals: { camera: string; atMs: number }[] = [];
  const dispatch = new Dispatch()
    .on(LogOpened, () => {})
    .on(SightingRows, ({ rows }) => {
      for (const { id, camera } of rows) {
        if (!seen.has(id)) arrivals.push({ camera, atMs: Date.now() });
        seen.add(id);
      }
    });
  void (async () => {
    for await (const message of link.messages()) await dispatch.run(message);
  })().catch(() => {});
  await link.send(FollowSightings, { revision: 0 });
  await Bun.sleep(SETTLE_MS);
  const fromMs = Date.now();
  await Bun.sleep(1000 * seconds);
  const untilMs = Date.now() - 3000;
  const comings = [...lightMs].flatMap(([camera, times]) =>
    times.filter((at) => at >= fromMs && at < untilMs).map((at) => ({ camera, at })),
  );
  const delays = comings
    .map(({ camera, at }) =>
      arrivals
        .filter((arrival) => arrival.camera === camera && arrival.atMs >= at && arrival.atMs < at + 3000)
        .reduce((least, { atMs }) => Math.min(least, atMs - at), Number.POSITIVE_INFINITY),
    )
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  return {
    latencyMedianMs: delays[Math.floor(delays.length / 2)] ?? Number.POSITIVE_INFINITY,
    latency95thMs: delays[Math.ceil(delays.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY,
    comings: comings.length,
    comingsSeen: delays.length,
  };
}

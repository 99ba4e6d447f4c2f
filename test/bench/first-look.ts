/**
 * How soon something that comes gets its first look, and how many pictures are decoded for that:
 * `bun test/bench/first-look.ts [SEED ...] [--seconds 240]`.
 *
 * Drawn streets are coded as cameras would, then gone through by their own time: the sizes of the coded pictures say
 * when a glance is due, the motion detector what it shows, as between a video node and a tester. Beside it stands a
 * glance every 200 ms. Counted are visits that begin after three seconds of stillness. A street of four minutes takes
 * about a minute and a half.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SyntheticMovie, type SyntheticVisit } from "../../shared/dataset/synthetic/movie.ts";
import { LookPlanner } from "../../shared/detect/look/look-planner.ts";
import { MotionDetector } from "../../shared/detect/motion/motion-detector.ts";
import { GLANCE_FILTER, type Glance } from "../../shared/media/glance.ts";
import { PictureSizes, type SizeSign } from "../../shared/rtsp/picture-sizes.ts";
import { readH264File } from "../support/h264-file.ts";
import { tempFolder } from "../support/temp.ts";
import { CAMERA_FPS, CLASSES, encodeClip, HEIGHT, WIDTH } from "./cameras/clips.ts";

const FRAME_MS = 1000 / CAMERA_FPS;
const LOOK_MS = 200;
const GLANCE = { width: 160, height: 90 };
/** What comes so early meets a detector that is still calibrating. */
const SETTLED_MS = 20_000;
const STILL_MS = 3000;

/** A street as it comes from a camera. */
interface Footage {
  readonly visits: readonly SyntheticVisit[];
  readonly pictures: readonly {
    readonly sizeBytes: number;
    readonly isKey: boolean;
    readonly glance: Glance;
  }[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "240" } },
});
const seeds = positionals.length === 0 ? [2, 5, 9, 14] : positionals.map(Number);
using folder = tempFolder();
for (const bitRate of ["variable", "constant"] as const) {
  const streets: Footage[] = [];
  for (const seed of seeds) {
    const movie = new SyntheticMovie(seed, { width: WIDTH, height: HEIGHT, classes: CLASSES });
    const durationMs = 1000 * Number(values.seconds);
    const timesMs = Array.from({ length: durationMs / FRAME_MS }, (_, i) => i * FRAME_MS);
    const path = await encodeClip(movie, timesMs, bitRate, join(folder.path, `${bitRate}-${seed}.h264`));
    streets.push({ visits: await movie.visits(durationMs), pictures: picturesOf(path) });
  }
  report(`${bitRate} bit rate, a glance every 200 ms`, streets, () => 0);
  report(`${bitRate} bit rate, glances by size`, streets, ({ calmMs }) => calmMs);
}

function picturesOf(path: string): Footage["pictures"] {
  const filter = ["-vf", GLANCE_FILTER, "-f", "rawvideo", "-"];
  const { stdout } = Bun.spawnSync(["ffmpeg", "-v", "error", "-f", "h264", "-i", path, ...filter]);
  const size = GLANCE.width * GLANCE.height;
  return readH264File(path).pictures.map(({ isKey, payloads }, i) => {
    const sizeBytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
    return { isKey, sizeBytes, glance: { ...GLANCE, grey: stdout.subarray(i * size, (i + 1) * size) } };
  });
}

function report(words: string, streets: readonly Footage[], calmMs: (sign: SizeSign) => number): void {
  const delays: number[] = [];
  let [decoded, pictures, missed] = [0, 0, 0];
  for (const street of streets) {
    const watched = watch(street, calmMs);
    decoded += watched.decoded;
    pictures += street.pictures.length;
    for (const { enterMs, leaveMs } of comings(street)) {
      const firstMs = watched.looksMs.find((ms) => ms >= enterMs);
      if (firstMs === undefined || firstMs > leaveMs) missed++;
      else delays.push(firstMs - enterMs);
    }
  }
  delays.sort((a, b) => a - b);
  const mean = delays.reduce((a, b) => a + b, 0) / delays.length;
  const late = delays[Math.ceil(0.95 * delays.length) - 1]!;
  process.stdout.write(
    `${words.padEnd(44)} ${delays.length} visits, ${missed} missed; first look after ${Math.round(mean)} ms in the mean, ` +
      `95th percentile ${Math.round(late)}, longest ${Math.round(delays.at(-1)!)}; ` +
      `decoded ${((100 * decoded) / pictures).toFixed(1)}% of pictures\n`,
  );
}

/** Visits that begin when nothing has been there for a while. */
function comings({ visits, pictures }: Footage): SyntheticVisit[] {
  let stillSinceMs = 0;
  return visits
    .toSorted((a, b) => a.enterMs - b.enterMs)
    .filter(({ enterMs, leaveMs }) => {
      const isComing = enterMs - stillSinceMs > STILL_MS && enterMs > SETTLED_MS;
      stillSinceMs = Math.max(stillSinceMs, leaveMs);
      return isComing && leaveMs < pictures.length * FRAME_MS;
    });
}

/** When the model would look, and how many pictures had to be decoded for glances and looks. */
function watch({ pictures }: Footage, calmMs: (sign: SizeSign) => number) {
  const sizes = new PictureSizes();
  const motion = new MotionDetector();
  const planner = new LookPlanner();
  const looksMs: number[] = [];
  let [isMoving, decoded, held] = [true, 0, 0];
  let [dueMs, lookedMs] = [0, Number.NEGATIVE_INFINITY];
  for (const [i, { sizeBytes, isKey, glance }] of pictures.entries()) {
    const atMs = i * FRAME_MS;
    const sign = sizes.read(sizeBytes, isKey);
    held = isKey ? 1 : held + 1;
    const isCalm = !isMoving && atMs - lookedMs < calmMs(sign);
    if (atMs < dueMs || isCalm) {
      if (!isMoving) sizes.learn(sizeBytes, isKey);
      continue;
    }
    const isWhole = isMoving || sign.isStriking;
    if (!isWhole) sizes.learn(sizeBytes, isKey);
    [decoded, held, lookedMs, dueMs] = [decoded + held, 0, atMs, atMs + LOOK_MS];
    const look = planner.plan(
      motion.step(glance, atMs),
      [],
      { width: WIDTH, height: HEIGHT },
      undefined,
      atMs,
    );
    isMoving = look.kind !== "none";
    // A glance that shows motion is followed by the very next picture, whole.
    if (isMoving && !isWhole) dueMs = atMs;
    if (!isWhole) continue;
    planner.taken(look, atMs);
    if (isMoving) looksMs.push(atMs);
  }
  return { looksMs, decoded };
}

import { join } from "node:path";
import { SyntheticMovie } from "../../../shared/dataset/synthetic/movie.ts";
import { boxArea } from "../../../shared/detect/types.ts";

export const CAMERA_FPS = 10;
export const [WIDTH, HEIGHT] = [640, 360];
export const CLASSES = 3;
/** Frames that a thing is away, then there, in the clip that latency is measured with. */
export const AWAY_FRAMES = 70;
const THERE_FRAMES = 30;
const BUSY_FRAMES = 100;
const QUIET_FRAMES = 100;
/** The sensor's noise, in grey levels: a still picture without any would cost a decoder nothing. */
const NOISE = 3;

export interface Clips {
  /** Nothing moves. */
  readonly quiet: string;
  /** Something moves in each frame. */
  readonly busy: string;
  /** Away, then there at once, over and over. */
  readonly comings: string;
}

/** How a camera spends its bits: as the picture needs them, or the same number on each, whatever moves. */
export type BitRate = "variable" | "constant";

const RATE_OPTIONS: Readonly<Record<BitRate, readonly string[]>> = {
  variable: ["-crf", "26"],
  // The bits of two pictures are all that one may run ahead.
  constant: ["-b:v", "800k", "-minrate", "800k", "-maxrate", "800k", "-bufsize", "160k"],
};

/** Draws the clips and codes them as a camera would: H.264 in one slice, a key picture every two seconds. */
export async function makeClips(folder: string, bitRate: BitRate = "variable"): Promise<Clips> {
  const movie = new SyntheticMovie(2, { width: WIDTH, height: HEIGHT, classes: CLASSES });
  const visits = (await movie.visits(400_000)).filter(({ enterMs, leaveMs }) => leaveMs - enterMs > 2500);
  const stepMs = 1000 / CAMERA_FPS;
  const emptyMs = await emptyMoment(movie);
  const empty = (count: number) => Array.from({ length: count }, () => emptyMs);
  const busy: number[] = [];
  for (const { enterMs, leaveMs } of visits) {
    for (let ms = enterMs; ms < leaveMs && busy.length < BUSY_FRAMES; ms += stepMs) busy.push(ms);
  }
  // What is seen largest is surely near, and known by a detector that had a minute to learn.
  const largest = visits.reduce((a, b) => (boxArea(b.bestBox) > boxArea(a.bestBox) ? b : a));
  const middleMs = (largest.enterMs + largest.leaveMs) / 2 - (THERE_FRAMES * stepMs) / 2;
  const code = (timesMs: readonly number[], name: string): Promise<string> =>
    encodeClip(movie, timesMs, bitRate, join(folder, `${name}.h264`));
  const there = Array.from({ length: THERE_FRAMES }, (_, i) => middleMs + i * stepMs);
  return {
    quiet: await code(empty(QUIET_FRAMES), "quiet"),
    busy: await code(busy, "busy"),
    comings: await code([...empty(AWAY_FRAMES), ...there], "comings"),
  };
}

async function emptyMoment(movie: SyntheticMovie): Promise<number> {
  for (let ms = 0; ; ms += 250) if ((await movie.frameAt(ms)).objects.length === 0) return ms;
}

/**
 * Codes a movie as a camera would.
 *
 * @param timesMs the movie's time of each frame; equal times are drawn once
 * @returns the path
 */
export async function encodeClip(
  movie: SyntheticMovie,
  timesMs: readonly number[],
  bitRate: BitRate,
  path: string,
): Promise<string> {
  await using encoder = Bun.spawn(
    [
      ...["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${WIDTH}x${HEIGHT}`],
      ...[
        "-r",
        String(CAMERA_FPS),
        "-i",
        "pipe:0",
        "-vf",
        `noise=alls=${NOISE}:allf=t`,
        "-pix_fmt",
        "yuv420p",
      ],
      ...[
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        ...RATE_OPTIONS[bitRate],
        "-g",
        String(2 * CAMERA_FPS),
        "-bf",
        "0",
      ],
      ...["-x264-params", "slices=1:sliced-threads=0", "-f", "h264", path],
    ],
    { stdin: "pipe", stdout: "ignore", stderr: "inherit" },
  );
  let last: { ms: number; data: Uint8Array } | undefined;
  for (const ms of timesMs) {
    last = last?.ms === ms ? last : { ms, data: (await movie.frameAt(ms)).picture.data };
    await encoder.stdin.write(last.data);
  }
  await encoder.stdin.end();
  if ((await encoder.exited) !== 0) throw new Error("ffmpeg could not code a clip: it needs libx264");
  return path;
}

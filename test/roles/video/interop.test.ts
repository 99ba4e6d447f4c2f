import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodePicture } from "../../../shared/image/codec.ts";
import { dataPath } from "../../support/data.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { hasGstreamerCamera, startGstreamerCamera } from "../../support/rtsp-camera.ts";
import { tempFolder } from "../../support/temp.ts";
import { has } from "../../support/tools.ts";
import { startVideo, TestTester, type VideoNode } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/*
 * Real peers: GStreamer's RTSP server as cameras; ffmpeg and GStreamer as players. One video node stands between, so
 * each stream is read by our client, and served by our server.
 */

const clip = dataPath("video/car-detection.mp4");
const CODED = ["h264", "h265", "mjpeg", ...(clip === undefined ? [] : ["clip"])];
const CAMERAS = [...CODED, "drawn", "slides"];

describe.skipIf(!hasGstreamerCamera || !has("ffmpeg"))("between GStreamer's cameras and real players", () => {
  const stack = new AsyncDisposableStack();
  let video: VideoNode;
  let tester: TestTester;
  let folder: string;

  beforeAll(async () => {
    folder = stack.use(tempFolder()).path;
    const camera = stack.use(await startGstreamerCamera({ clip }));
    const slides = join(folder, "slides");
    // What RTP cannot carry as it is: 4:4:4 with Huffman tables of its own.
    const made = Bun.spawnSync([
      ...["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=1:d=3"],
      ...["-pix_fmt", "yuvj444p", "-huffman", "optimal", `${slides}-%d.jpg`],
    ]);
    expect(made.exitCode).toBe(0);
    await Bun.$`mkdir ${slides} && mv ${folder}/slides-1.jpg ${folder}/slides-2.jpg ${slides}`.quiet();
    video = stack.use(
      await startVideo(
        [
          ...CODED.map((name) => ({ name, source: camera.url(name) })),
          { name: "drawn", source: "synthetic:5?fps=10" },
          { name: "slides", source: `${slides}?loop=1&fps=10` },
        ],
        { rtsp: { host: "127.0.0.1", port: 0 } },
      ),
    );
    tester = stack.use(await TestTester.join(video));
    for (const name of CAMERAS) tester.follow(name, 5);
  });
  afterAll(() => stack.disposeAsync());

  for (const name of CAMERAS) {
    test(`${name}: frames reach the tester as pictures that decode`, async () => {
      const frames = () => tester.frames.filter(({ camera }) => camera === name);
      await tester.until(() => frames().length >= 3, `frames of ${name}`, 12_000);
      const { width, height, jpeg } = frames().at(-1)!;
      const picture = await decodePicture(jpeg);
      expect([picture.width, picture.height]).toEqual([width, height]);
      expect(tester.status(name)).toMatchObject({ state: "live", problem: undefined });
    }, 15_000);

    for (const transport of ["tcp", "udp"]) {
      test.concurrent(`${name}: ffmpeg plays it over ${transport}`, async () => {
        const prefix = `${name}-${transport}`;
        const url = `rtsp://127.0.0.1:${video.rtsp!.port}/${name}`;
        const player = Bun.spawn(
          [
            ...["ffmpeg", "-v", "error", "-rtsp_transport", transport, "-i", url],
            ...["-frames:v", "6", join(folder, `${prefix}-%d.png`)],
          ],
          { stdin: "ignore", stderr: "pipe" },
        );
        expect(await player.exited).toBe(0);
        expect(await new Response(player.stderr).text()).toBe("");
        expect(readdirSync(folder).filter((file) => file.startsWith(`${prefix}-`)).length).toBe(6);
      }, 15_000);
    }
  }

  const chains: Record<string, string> = {
    h264: "rtph264depay ! avdec_h264",
    h265: "rtph265depay ! avdec_h265",
    drawn: "rtpjpegdepay ! jpegdec",
  };
  for (const [name, chain] of Object.entries(chains)) {
    for (const transport of ["tcp", "udp"]) {
      test.skipIf(!has("gst-launch-1.0"))(
        `${name}: GStreamer plays it over ${transport}`,
        async () => {
          const path = join(folder, `gst-${name}-${transport}.ppm`);
          const location = `rtsp://127.0.0.1:${video.rtsp!.port}/${name}`;
          const player = Bun.spawn(
            [
              ...[
                "gst-launch-1.0",
                "-q",
                "rtspsrc",
                `location=${location}`,
                `protocols=${transport}`,
                "latency=50",
                "!",
              ],
              ...chain.split(" "),
              ...[
                "!",
                "videoconvert",
                "!",
                "pnmenc",
                "!",
                "identity",
                "eos-after=4",
                "!",
                "filesink",
                `location=${path}`,
              ],
            ],
            { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
          );
          expect(await player.exited).toBe(0);
          expect(readFileSync(path).toString("latin1", 0, 2)).toBe("P6");
        },
        15_000,
      );
    }
  }

  test("a camera that is switched off and on again is live within five seconds of its return", async () => {
    const first = await startGstreamerCamera();
    await using node = await startVideo([{ name: "gate", source: first.url("mjpeg") }]);
    await using watcher = await TestTester.join(node);
    watcher.follow("gate", 5);
    await watcher.until(() => watcher.frames.length > 0, "the first frame");
    await first[Symbol.asyncDispose]();
    await watcher.until(() => watcher.status("gate")?.state === "gone", "word that it is gone");
    expect(watcher.status("gate")!.problem).toBeDefined();
    await using _again = await startGstreamerCamera({ port: first.port });
    const before = watcher.frames.length;
    const since = performance.now();
    await watcher.until(() => watcher.frames.length > before, "the next frame");
    expect(performance.now() - since).toBeLessThan(5000);
  });

  test("digest authentication: the right password plays, a wrong one is refused with what to do", async () => {
    await using camera = await startGstreamerCamera({ user: "admin", password: "secret" });
    const wrong = camera.url("mjpeg").replace("secret", "guess");
    await using node = await startVideo([
      { name: "good", source: camera.url("mjpeg") },
      { name: "bad", source: wrong },
    ]);
    await using watcher = await TestTester.join(node);
    watcher.follow("good");
    await watcher.until(() => watcher.frames.length > 1, "frames");
    await watcher.until(() => watcher.status("bad")?.state === "refused", "the refusal");
    const problem = watcher.status("bad")!.problem!;
    expect([problem.kind, problem.about]).toEqual(["password-wrong", "admin"]);
    expect(problem.text).toContain("does not accept the password of admin");
  });
});

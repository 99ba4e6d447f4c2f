import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { readHeader } from "../../../shared/image/header.ts";
import { StreamPublication } from "../../../shared/rtsp/publication.ts";
import { RtspServer } from "../../../shared/rtsp/server.ts";
import { pictureAt, readH264File } from "../../support/h264-file.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { has } from "../../support/tools.ts";
import { startVideo, TestTester } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const FRAMES_PER_SECOND = 20;

/** A camera with two streams that show the same, `/small` and `/large`. */
function twoStreams(folder: string): Disposable & { url(name: string): string } {
  const streams = new Map<string, StreamPublication>();
  const files = [
    ["small", "160x96"],
    ["large", "640x384"],
  ].map(([name, size]) => {
    const path = join(folder, `${name}.h264`);
    const made = Bun.spawnSync([
      ...["ffmpeg", "-v", "error", "-f", "lavfi", "-i", `testsrc2=s=${size}:r=20:d=2`, "-pix_fmt", "yuv420p"],
      ...["-c:v", "libx264", "-bf", "0", "-g", "10", "-x264-params", "slices=1", path],
    ]);
    expect(made.exitCode).toBe(0);
    const file = readH264File(path);
    const stream = new StreamPublication();
    stream.open(file.format);
    streams.set(name!, stream);
    return { file, stream };
  });
  const viewer = { user: "viewer", password: "" };
  const server = new RtspServer({ host: "127.0.0.1", port: 0, streams, viewer, log: silentLog });
  let place = 0;
  const ticking = setInterval(() => {
    for (const { file, stream } of files) stream.push(pictureAt(file, place, FRAMES_PER_SECOND));
    place++;
  }, 1000 / FRAMES_PER_SECOND);
  return {
    url: (name) => `rtsp://127.0.0.1:${server.port}/${name}`,
    [Symbol.dispose]() {
      clearInterval(ticking);
      server[Symbol.dispose]();
    },
  };
}

test.skipIf(!has("ffmpeg"))(
  "frames come from the small stream, a frame's photo from the large one, and the camera's clock is noted",
  async () => {
    using root = tempFolder();
    using camera = twoStreams(root.path);
    const source = `detect=${camera.url("small")},record=${camera.url("large")}`;
    await using video = await startVideo([{ name: "gate", source }]);
    await using tester = await TestTester.join(video);
    tester.follow("gate", 10);
    // The camera's first report comes with its first picture; the large stream needs a key picture.
    await tester.until(() => tester.frames.length >= 8, "frames");
    const frame = tester.frames.at(-1)!;
    expect([frame.width, frame.height]).toEqual([160, 96]);
    expect(tester.status("gate")).toMatchObject({ hasLargePhotos: true });
    expect(Math.abs(frame.cameraClockAheadMs!)).toBeLessThan(1000);
    tester.askPhoto("gate", frame.sequence);
    tester.askPhoto("gate", 1_000_000);
    await tester.until(() => tester.photos.length === 2, "the photos");
    const photo = tester.photos.find(({ sequence }) => sequence === frame.sequence)!;
    expect([photo.width, photo.height]).toEqual([640, 384]);
    expect(readHeader(photo.jpeg)).toMatchObject({ format: "jpeg", width: 640, height: 384 });
    expect(tester.photos.find(({ sequence }) => sequence === 1_000_000)!.jpeg.length).toBe(0);
  },
  20_000,
);

import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { silentLog } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import { rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { JpegPublication } from "../../../shared/rtsp/publication.ts";
import { RtspServer } from "../../../shared/rtsp/server.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startVideo, TestTester } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** Raised by whoever wants to be sure: the issue asks for 50. */
const ROUNDS = Number(process.env.VIGIA_UNPLUGS ?? 4);
const random = new Random("unplug", ROUNDS);

test(
  "a camera unplugged at random moments is back within five seconds of its return, and nothing is leaked",
  async () => {
    const data = new Uint8Array(64 * 48 * 3).fill(120);
    const picture = rtpJpeg(await encodeStandardJpeg({ width: 64, height: 48, data }, 80))!;
    let stream = new JpegPublication();
    const plug = (port: number) => {
      stream = new JpegPublication();
      const viewer = { user: "viewer", password: "" };
      return new RtspServer({
        host: "127.0.0.1",
        port,
        streams: new Map([["gate", stream]]),
        viewer,
        log: silentLog,
      });
    };
    let camera = plug(0);
    const { port } = camera;
    const ticking = setInterval(() => stream.push(picture, performance.now()), 40);
    try {
      await using video = await startVideo([{ name: "gate", source: `rtsp://127.0.0.1:${port}/gate` }]);
      await using tester = await TestTester.join(video);
      tester.follow("gate", 25);
      await tester.until(() => tester.frames.length > 3, "the first frames");
      const openFiles = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
      const before = openFiles();
      for (let round = 0; round < ROUNDS; round++) {
        await Bun.sleep(random.between(0, 300));
        camera[Symbol.dispose]();
        await Bun.sleep(random.between(0, 900));
        const seen = tester.frames.length;
        camera = plug(port);
        const since = performance.now();
        await tester.until(
          () => tester.frames.length > seen,
          `the return after unplugging ${round + 1} times`,
        );
        expect(performance.now() - since).toBeLessThan(5000);
      }
      expect(openFiles()).toBeLessThanOrEqual(before + 1);
    } finally {
      clearInterval(ticking);
      camera[Symbol.dispose]();
    }
  },
  10_000 + ROUNDS * 4000,
);

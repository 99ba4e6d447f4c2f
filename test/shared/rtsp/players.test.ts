import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import { rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { JpegPublication } from "../../../shared/rtsp/publication.ts";
import { RtspServer } from "../../../shared/rtsp/server.ts";
import { LONG_WORK_MS } from "../../support/limits.ts";
import { has } from "../../support/tools.ts";

setDefaultTimeout(LONG_WORK_MS);

/* Players as people have them, at a server that asks for the viewer's password, as it does on other machines. */

async function serve(): Promise<Disposable & { url(password: string): string; shown(): number }> {
  const data = new Uint8Array(64 * 48 * 3).fill(99);
  const picture = rtpJpeg(await encodeStandardJpeg({ width: 64, height: 48, data }, 80))!;
  const yard = new JpegPublication();
  let shown = 0;
  const ticking = setInterval(() => {
    if (server.playerCount > 0) shown++;
    yard.push(picture, performance.now());
  }, 40);
  const server = new RtspServer({
    host: "127.0.0.1",
    port: 0,
    streams: new Map([["yard", yard]]),
    viewer: { user: "viewer", password: "secret" },
    guardLoopback: true,
    log: silentLog,
  });
  return {
    url: (password) => `rtsp://viewer:${password}@127.0.0.1:${server.port}/yard`,
    /** Pictures since somebody plays. */
    shown: () => shown,
    [Symbol.dispose]() {
      clearInterval(ticking);
      server[Symbol.dispose]();
    },
  };
}

async function play(
  command: readonly string[],
  closing?: AbortSignal,
): Promise<{ code: number; said: string }> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, SDL_VIDEODRIVER: "dummy", SDL_AUDIODRIVER: "dummy" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(closing !== undefined && { signal: closing }),
  });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, said: out + errors };
}

for (const transport of ["tcp", "udp"]) {
  describe(`over ${transport}`, () => {
    const plain = ["-v", "error", "-rtsp_transport", transport];

    test.skipIf(!has("ffprobe"))(
      "ffprobe finds the stream with the password, and nothing without",
      async () => {
        using server = await serve();
        const probe = [
          "ffprobe",
          ...plain,
          "-show_entries",
          "stream=codec_name,width,height",
          "-of",
          "csv=p=0",
        ];
        expect(await play([...probe, server.url("secret")])).toEqual({ code: 0, said: "mjpeg,64,48\n" });
        const refused = await play([...probe, server.url("guess")]);
        expect(refused.code).not.toBe(0);
        expect(refused.said).toContain("401");
      },
    );

    test.skipIf(!has("ffplay"))("ffplay plays it until it is closed", async () => {
      using server = await serve();
      const closing = new AbortController();
      const playing = play(["ffplay", ...plain, "-autoexit", server.url("secret")], closing.signal);
      while (server.shown() < 10) await Bun.sleep(10);
      closing.abort();
      expect((await playing).said).toBe("");
    });

    test.skipIf(!has("gst-launch-1.0"))("GStreamer plays it", async () => {
      using server = await serve();
      const source = ["rtspsrc", `location=${server.url("secret")}`, `protocols=${transport}`, "latency=50"];
      const chain = "! rtpjpegdepay ! jpegdec ! identity eos-after=4 ! fakesink".split(" ");
      expect((await play(["gst-launch-1.0", "-q", ...source, ...chain])).code).toBe(0);
    });
  });
}

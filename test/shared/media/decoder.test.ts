import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { errorReport } from "../../../shared/base/errors.ts";
import { deferred, within } from "../../../shared/base/wait.ts";
import { decodePicture } from "../../../shared/image/codec.ts";
import {
  type DecodedFrame,
  DecoderChild,
  GIVES_GLANCES,
  type Wish,
} from "../../../shared/media/decoder-child.ts";
import { type Ffmpeg, findFfmpeg } from "../../../shared/media/ffmpeg.ts";
import { LiveDecoder } from "../../../shared/media/live-decoder.ts";
import { MpjpegSplitter } from "../../../shared/media/mpjpeg.ts";
import { videoFrames } from "../../../shared/media/video-file.ts";
import { codedOutOfOrder, picturesOf, shownAs } from "../../support/coded-pictures.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { has } from "../../support/tools.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const GOP = 5;

/** Coded pictures of a moving test picture, one slice each, a key picture every fifth. */
function coded(codec: "h264" | "h265", count: number): Buffer[] {
  const encoder =
    codec === "h264"
      ? [
          "-c:v",
          "libx264",
          "-tune",
          "zerolatency",
          "-x264-params",
          `keyint=${GOP}:min-keyint=${GOP}:sliced-threads=0:slices=1`,
          "-f",
          "h264",
        ]
      : [
          "-c:v",
          "libx265",
          "-x265-params",
          `keyint=${GOP}:min-keyint=${GOP}:bframes=0:log-level=none`,
          "-f",
          "hevc",
        ];
  const made = Bun.spawnSync([
    ...[
      "ffmpeg",
      "-v",
      "error",
      "-f",
      "lavfi",
      "-i",
      `testsrc2=s=160x96:r=10:d=${count / 10}`,
      "-pix_fmt",
      "yuv420p",
    ],
    ...encoder,
    "-",
  ]);
  const isSlice = (unit: Buffer) => (codec === "h264" ? (unit[0]! & 31) <= 5 : unit[0]! >> 1 < 32);
  return picturesOf(Buffer.from(made.stdout), isSlice);
}

/** A picture of a camera without B-pictures, whose key pictures end all ties. */
const coming = (data: Uint8Array, isKey: boolean) => ({ data, isKey, isClean: isKey });

/** A decoder with what came out of it. */
function open(ffmpeg: Ffmpeg, codec: "h264" | "h265" = "h264", hwaccel?: string) {
  const frames: DecodedFrame[] = [];
  const troubles: string[] = [];
  let wake = deferred();
  const decoder = new LiveDecoder({
    ffmpeg,
    codec,
    hwaccel,
    onFrame: (frame) => {
      frames.push(frame);
      wake.resolve();
    },
    onTrouble: (error) => {
      troubles.push(errorReport(error));
      wake.resolve();
    },
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      wake = deferred();
      await within(wake.promise, 10_000, "the decoder");
    }
  };
  return { decoder, frames, troubles, until };
}

describe.skipIf(!has("ffmpeg"))("with ffmpeg", () => {
  for (const codec of ["h264", "h265"] as const) {
    test(`${codec}: each picture that is wanted comes out, before the next goes in, and no other`, async () => {
      const { decoder, frames, until } = open(await findFfmpeg(), codec);
      await using _end = decoder;
      const wanted: number[] = [];
      for (const [i, picture] of coded(codec, 12).entries()) {
        const isWanted = i % 3 !== 1;
        const id = decoder.push(coming(picture, i % GOP === 0), isWanted ? "picture" : "none");
        if (!isWanted) continue;
        wanted.push(id);
        await until(() => frames.length === wanted.length);
      }
      expect(frames.map(({ id }) => id)).toEqual(wanted);
      expect(await decodePicture(frames[0]!.jpeg!)).toMatchObject({ width: 160, height: 96 });
    });
  }

  test("a camera that sends pictures out of order (B-pictures) gets each under its own number", async () => {
    const { decoder, frames, troubles, until } = open(await findFfmpeg());
    const { pictures, shown } = codedOutOfOrder();
    const places = pictures.map((picture, i) =>
      decoder.push({ data: picture, isKey: i === 0, isClean: i === 0, mediaMs: 100 * shown[i]! }, "picture"),
    );
    // The last ones are out when the decoder knows that no other comes before them.
    await until(() => frames.length >= shown.length - 3);
    await decoder[Symbol.asyncDispose]();
    expect(troubles).toEqual([]);
    for (const { id, jpeg } of frames) {
      expect(await shownAs(jpeg!)).toBe(shown[places.indexOf(id)]!);
    }
  });

  test.skipIf(!GIVES_GLANCES)(
    "a glance is the frame, small and grey; its JPEG comes only when wanted",
    async () => {
      const { decoder, frames, until } = open(await findFfmpeg());
      await using _end = decoder;
      for (const [i, picture] of coded("h264", 4).entries()) {
        decoder.push(coming(picture, i % GOP === 0), i === 2 ? "picture" : "glance");
        await until(() => frames.length === i + 1);
      }
      expect(frames.map(({ jpeg }) => jpeg !== undefined)).toEqual([false, false, true, false]);
      const { glance, jpeg } = frames[2]!;
      expect([glance!.width, glance!.height]).toEqual([160, 96]);
      const { data } = await decodePicture(jpeg!);
      const luma = (i: number) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!;
      const apart =
        glance!.grey.reduce((sum, level, i) => sum + Math.abs(level - luma(i)), 0) / glance!.grey.length;
      expect(apart).toBeLessThan(4);
    },
  );

  test("a hardware decoder that is not there is done without, and that is said once", async () => {
    const { decoder, frames, troubles, until } = open(await findFfmpeg(), "h264", "cuda");
    await using _end = decoder;
    const pictures = coded("h264", 10);
    decoder.push(coming(pictures[0]!, true), "picture");
    // Where there is one after all, it works.
    await until(() => troubles.length + frames.length === 1);
    if (troubles.length === 0) return;
    expect(troubles[0]).toContain("the hardware decoder cuda does not work here: decoding without it");
    decoder.push(coming(pictures[5]!, true), "picture");
    await until(() => frames.length === 1);
    expect(troubles.length).toBe(1);
  });

  test("no ffmpeg runs before a picture is wanted; then it begins with the last key picture", async () => {
    const { decoder, frames, until } = open(await findFfmpeg());
    await using _end = decoder;
    for (const [i, picture] of coded("h264", 10).entries()) {
      if (i === 8) expect([decoder.isRunning, decoder.starts]).toEqual([false, 0]);
      decoder.push(coming(picture, i % GOP === 0), i === 8 ? "picture" : "none");
    }
    await until(() => frames.length === 1);
    expect(frames[0]!.id).toBe(8);
    // The picture has the colours of a whole one: grey would mean that its key picture was missing.
    const { data } = await decodePicture(frames[0]!.jpeg!);
    const spread = Math.max(...data) - Math.min(...data);
    expect(spread).toBeGreaterThan(150);
  });

  test("pictures that nobody asked for are not decoded when a key picture ends all ties; what follows is whole", async () => {
    const ffmpeg = await findFfmpeg();
    const pictures = coded("h264", 13);
    const decode = async (isWanted: (i: number) => boolean) => {
      const { decoder, frames, until } = open(ffmpeg);
      await using _end = decoder;
      pictures.forEach((picture, i) => {
        decoder.push(coming(picture, i % GOP === 0), isWanted(i) ? "picture" : "none");
      });
      const wanted = pictures.filter((_, i) => isWanted(i)).length;
      await until(() => frames.length === wanted);
      return frames;
    };
    const all = await decode(() => true);
    const some = await decode((i) => i === 1 || i === 12);
    expect(some.map(({ id }) => id)).toEqual([1, 12]);
    expect(some.map(({ jpeg }) => Buffer.from(jpeg!))).toEqual(
      [1, 12].map((i) => Buffer.from(all[i]!.jpeg!)),
    );
  });

  test("what a decoder holds back that nobody asked for can be taken out of it again", async () => {
    const pictures = coded("h264", 3);
    const { promise: came, resolve: onFrame } = Promise.withResolvers<DecodedFrame>();
    const options = { ffmpeg: await findFfmpeg(), codec: "h264", hwaccel: undefined, onFrame } as const;
    const child = new DecoderChild(options, () => {});
    const feed = (id: number, wish: Wish) => child.feed({ id, data: pictures[id]!, isKey: id === 0 }, wish);
    feed(0, "picture");
    await within(came, 10_000, "the decoder");
    const before = child.queuedBytes;
    feed(1, "none");
    feed(2, "none");
    expect(child.queuedBytes).toBeGreaterThan(pictures[1]!.length + pictures[2]!.length);
    child.forgetHeld();
    expect(child.queuedBytes).toBeLessThanOrEqual(before);
    await child.end();
  });

  test("an ffmpeg that is killed is started again, with the next key picture", async () => {
    const { decoder, frames, troubles, until } = open(await findFfmpeg());
    await using _end = decoder;
    const pictures = coded("h264", 10);
    decoder.push(coming(pictures[0]!, true), "picture");
    await until(() => frames.length === 1);
    const child = Bun.spawnSync(["pgrep", "-P", String(process.pid), "ffmpeg"])
      .stdout.toString()
      .trim()
      .split("\n")
      .at(-1);
    process.kill(Number(child), "SIGKILL");
    await until(() => troubles.length === 1);
    expect(troubles[0]).toContain("ffmpeg ended while it decoded (SIGKILL)");
    decoder.push(coming(pictures[1]!, false), "picture");
    expect(decoder.isRunning).toBe(false);
    await Bun.sleep(110); // the least wait before a start that follows a death
    decoder.push(coming(pictures[5]!, true), "picture");
    await until(() => frames.length === 2);
    expect(frames[1]!.id).toBe(2);
    expect(decoder.starts).toBe(2);
  });

  test("rubbish that is called a picture harms nothing: the next key picture is decoded", async () => {
    const { decoder, frames, until } = open(await findFfmpeg());
    await using _end = decoder;
    const pictures = coded("h264", 10);
    const rubbish = Buffer.from(pictures[0]!).map((byte, i) => (i > 60 ? (byte * 7 + i) & 255 : byte));
    decoder.push(coming(rubbish, true), "none");
    for (let i = 1; i < 4; i++) decoder.push(coming(rubbish.subarray(0, 200), false), "none");
    const id = decoder.push(coming(pictures[5]!, true), "picture");
    await until(() => frames.some((frame) => frame.id === id));
  });

  test("a file that is no video is told with ffmpeg's words", async () => {
    const read = async () => {
      for await (const _frame of videoFrames(
        await findFfmpeg(),
        import.meta.path,
        {},
        new AbortController().signal,
      ));
    };
    const error = await read().catch((reason) => reason);
    expect(error).toMatchObject({ kind: "input" });
    expect(errorReport(error)).toMatch(/cannot be read as a video[\s\S]*Invalid data/);
    expect(errorReport(error)).not.toContain("@ 0x");
  });
});

test("pictures are cut out of ffmpeg's output however the pipe splits it", () => {
  const bodies = [Buffer.from("abcd"), Buffer.from("\r\n--ffmpeg\r\n\r\n"), Buffer.alloc(5000, 7)];
  const stream = Buffer.concat(
    bodies.flatMap((body) => [
      Buffer.from(`--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: ${body.length}\r\n\r\n`),
      body,
      Buffer.from("\r\n"),
    ]),
  );
  for (const size of [1, 2, 3, 7, 64, 1000, stream.length]) {
    const splitter = new MpjpegSplitter(10_000);
    const out: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size)
      out.push(...splitter.push(stream.subarray(at, at + size)));
    expect(out.map((body) => Buffer.from(body))).toEqual(bodies);
  }
  const greedy = new MpjpegSplitter(10);
  expect(() => [...greedy.push(Buffer.from("--ffmpeg\r\nContent-length: 5000\r\n\r\n"))]).toThrow("5000 B");
});

import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodePicture, encodePng } from "../../../shared/image/codec.ts";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import type { FrameMessage } from "../../../shared/wire/messages/frames.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { has } from "../../support/tools.ts";
import { startVideo, TestTester } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

function plainPicture(width: number, height: number, shade: number) {
  return { width, height, data: new Uint8Array(width * height * 3).fill(shade) };
}

/** A folder of two JPEG pictures and a PNG, in this order by name. */
async function pictureFolder(root: string): Promise<string> {
  const folder = join(root, "pictures");
  await mkdir(folder);
  await writeFile(join(folder, "picture-2.jpg"), await encodeStandardJpeg(plainPicture(64, 48, 50), 90));
  await writeFile(join(folder, "picture-10.jpg"), await encodeStandardJpeg(plainPicture(32, 32, 200), 90));
  await writeFile(join(folder, "picture-11.png"), await encodePng(plainPicture(20, 10, 120)));
  await writeFile(join(folder, "notes.txt"), "not a picture");
  return folder;
}

test("a folder read as fast as asked gives every frame in order, then says that it ended", async () => {
  using root = tempFolder();
  const folder = await pictureFolder(root.path);
  await using video = await startVideo([
    { name: "slides", source: `${folder}?seconds=1&fps=4`, options: { paced: "false" } },
  ]);
  await using tester = await TestTester.join(video);
  await tester.until(() => tester.statuses.length > 0, "the list");
  expect(tester.status("slides")).toMatchObject({ delivery: "every", state: "connecting" });
  tester.follow("slides");
  await tester.until(() => tester.ended.has("slides"), "the end");
  expect(tester.frames.map(({ sequence, mediaMs }) => [sequence, mediaMs])).toEqual(
    Array.from({ length: 12 }, (_, i) => [i, i * 250]),
  );
  expect(tester.frames.map(({ width }) => width)).toEqual([64, 64, 64, 64, 32, 32, 32, 32, 20, 20, 20, 20]);
  expect(tester.frames.map(({ slide }) => slide)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  expect(tester.frames.every(({ skipped }) => skipped === 0)).toBe(true);
  const last = await decodePicture(tester.frames.at(-1)!.jpeg);
  expect(last).toMatchObject({ width: 20, height: 10 });
  await tester.until(() => tester.status("slides")?.state === "ended", "the state");
});

test("pictures that follow each other as fast as a film's are its frames, not slides", async () => {
  using root = tempFolder();
  const folder = await pictureFolder(root.path);
  await using video = await startVideo([{ name: "film", source: `${folder}?seconds=0.1&fps=10&paced=0` }]);
  await using tester = await TestTester.join(video);
  tester.follow("film");
  await tester.until(() => tester.ended.has("film"), "the end");
  expect(tester.frames.map(({ slide }) => slide)).toEqual([undefined, undefined, undefined]);
});

test("two testers of a file each get every frame, and one that leaves holds nobody up", async () => {
  using root = tempFolder();
  const folder = await pictureFolder(root.path);
  await using video = await startVideo([
    { name: "slides", source: `${folder}?seconds=20&fps=10&paced=0&testers=all` },
  ]);
  await using first = await TestTester.join(video);
  const second = await TestTester.join(video);
  second.ask("slides");
  await second.until(() => second.frames.length === 1, "the second tester's frame");
  first.follow("slides");
  await Bun.sleep(50);
  // The second has one frame and asks for no other: the first waits with it.
  expect(first.frames.length).toBeLessThanOrEqual(1);
  await second[Symbol.asyncDispose]();
  await first.until(() => first.ended.has("slides"), "the end");
  expect(first.frames.at(-1)!.sequence).toBe(599);
});

test("a live source gives the newest frame at the rate asked for, and counts what was skipped", async () => {
  using root = tempFolder();
  const folder = await pictureFolder(root.path);
  await using video = await startVideo([{ name: "live", source: `${folder}?fps=100&loop=1` }]);
  await using tester = await TestTester.join(video);
  tester.follow("live", 20);
  await tester.until(() => tester.frames.length >= 12, "twelve frames");
  const [first, last] = [tester.frames[1]!, tester.frames.at(-1)!];
  const rate = (1000 * (tester.frames.length - 2)) / (last.capturedMs - first.capturedMs);
  expect(rate).toBeGreaterThan(10);
  // A frame may come a quarter of an interval early.
  expect(rate).toBeLessThan(25);
  const skipped = tester.frames.slice(2).reduce((sum, frame) => sum + frame.skipped, 0);
  expect(skipped).toBe(last.sequence - first.sequence - (tester.frames.length - 2));
  expect(tester.status("live")).toMatchObject({ state: "live", delivery: "newest" });
});

test("who asks for more frames gets the very next one, not the one that was due at the old pace", async () => {
  using root = tempFolder();
  const folder = await pictureFolder(root.path);
  await using video = await startVideo([{ name: "live", source: `${folder}?fps=20&loop=1` }]);
  await using tester = await TestTester.join(video);
  tester.ask("live", 0.5);
  await tester.until(() => tester.frames.length === 1, "the first frame");
  tester.ask("live", 60);
  await tester.until(() => tester.frames.length === 2, "the next");
  const [first, next] = tester.frames as [FrameMessage, FrameMessage];
  // Not two seconds later; a loaded machine may miss a few.
  expect(next.capturedMs - first.capturedMs).toBeLessThan(1000);
});

test.skipIf(!has("ffmpeg"))("a video file gives each of its frames with its own time", async () => {
  using root = tempFolder();
  const path = join(root.path, "clip?.mp4");
  // 12.5 frames a second, then a gap: the second half runs at half the rate.
  const made = Bun.spawn(
    [
      ...["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25/2:d=2"],
      ...["-vf", "setpts='if(lt(N,12),N,12+(N-12)*2)/12.5/TB'", "-vsync", "passthrough", `file:${path}`],
    ],
    { stdin: "ignore" },
  );
  expect(await made.exited).toBe(0);
  await using video = await startVideo([{ name: "clip", source: `${path}?paced=0` }]);
  await using tester = await TestTester.join(video);
  tester.follow("clip");
  await tester.until(() => tester.ended.has("clip"), "the end");
  const times = tester.frames.map(({ mediaMs }) => Math.round(mediaMs!));
  expect(times).toEqual(Array.from({ length: 25 }, (_, i) => 80 * (i < 12 ? i : 12 + (i - 12) * 2)));
  expect(tester.frames[0]).toMatchObject({ width: 96, height: 64 });
});

test("a file of a folder that holds no picture is passed over, and the others are shown", async () => {
  using root = tempFolder();
  const folder = await pictureFolder(root.path);
  await writeFile(join(folder, "picture-1.jpg"), "a video, renamed");
  await using video = await startVideo([{ name: "slides", source: `${folder}?seconds=1&fps=1&paced=0` }]);
  await using tester = await TestTester.join(video);
  tester.follow("slides");
  await tester.until(() => tester.ended.has("slides"), "the end");
  expect(tester.frames.map(({ width }) => width)).toEqual([64, 32, 20]);
});

test("a source that is not there is told before anything listens", async () => {
  const start = (source: string) => startVideo([{ name: "gate", source }]);
  await expect(start("/no/such/clip.mp4")).rejects.toThrow("there is no file or folder /no/such/clip.mp4");
  await expect(start("synthetic:x")).rejects.toThrow("has no seed");
  await expect(start("http://camera/picture")).rejects.toThrow("does not read http sources");
  await expect(start("synthetic:1?colour=red")).rejects.toThrow("no option colour");
});

import { expect, test } from "bun:test";
import { parseSource, withoutPassword } from "../../../roles/video/source-text.ts";

const parse = (source: string, options?: Record<string, string>) =>
  parseSource({ name: "gate", source, ...(options && { options }) });

test("sources are told apart, with their options at the end", () => {
  expect(parse("synthetic:7")).toMatchObject({
    kind: "synthetic",
    seed: 7,
    fps: 10,
    width: 640,
    height: 360,
    paced: true,
  });
  expect(parse("synthetic:7?fps=4&classes=5&size=320x240&duration=1.5")).toMatchObject({
    fps: 4,
    classes: 5,
    width: 320,
    height: 240,
    durationMs: 1500,
  });
  expect(parse("clips/a.mp4?fps=5&loop=1")).toMatchObject({
    kind: "path",
    path: "clips/a.mp4",
    fps: 5,
    loop: true,
  });
  expect(parse("rtsp://u:p@h/s?channel=1&sub=0#transport=udp")).toMatchObject({
    kind: "rtsp",
    url: "rtsp://u:p@h/s?channel=1&sub=0",
    transport: "udp",
  });
});

test("two streams of one camera are told apart by what they are for", () => {
  const small = "rtsp://u:p@h/s?channel=1,2&sub=1#transport=udp&hwaccel=auto";
  expect(parse(`detect=${small},record=rtsp://u:p@h/large#transport=tcp`)).toMatchObject({
    ...{ url: "rtsp://u:p@h/s?channel=1,2&sub=1", transport: "udp", hwaccel: "auto" },
    record: { url: "rtsp://u:p@h/large", transport: "tcp" },
  });
  expect(parse(`record=rtsp://h/large,detect=${small}`)).toMatchObject({ record: { url: "rtsp://h/large" } });
  for (const wrong of [
    `detect=${small}`,
    "detect=a.mp4,record=rtsp://h/l",
    `detect=${small},detect=${small}`,
  ]) {
    expect(() => parse(wrong)).toThrow("two streams of a camera are two RTSP addresses");
  }
});

test("what is given beside the text wins over it", () => {
  expect(parse("a.mp4?paced=1&fps=3", { paced: "false" })).toMatchObject({ paced: false, fps: 3 });
});

test("a file's name may hold question marks, and an RTSP password a hash", () => {
  expect(parse("what?.mp4")).toMatchObject({ path: "what?.mp4" });
  expect(parse("what?.mp4?fps=2")).toMatchObject({ path: "what?.mp4", fps: 2 });
  expect(parse("rtsp://u:a#b@h/s")).toMatchObject({ url: "rtsp://u:a#b@h/s" });
});

test("a wrong option is refused with what it may be", () => {
  const cases: Record<string, string> = {
    "synthetic:": "has no seed",
    "synthetic:1?fps=0": "fps=0 is not a number from 0.01 to 120",
    "synthetic:1?size=big": "size=big is not WIDTHxHEIGHT",
    "synthetic:1?loop=1": "no option loop",
    "a.mp4?loop=maybe": "loop=maybe is not 0 or 1",
    "rtsp://h/s#transport=pigeon": "transport=pigeon is not tcp or udp",
    "rtsp://": "is no RTSP address",
    "https://h/a.m3u8": "does not read https sources",
    "": "has no source",
  };
  for (const [source, words] of Object.entries(cases)) expect(() => parse(source)).toThrow(words);
});

test("passwords stay out of logs", () => {
  expect(withoutPassword("rtsp://admin:s3cret@h/x")).toBe("rtsp://admin:***@h/x");
  expect(withoutPassword("rtsp://admin:a@b:c@h/x")).toBe("rtsp://admin:***@h/x");
  expect(withoutPassword("rtsp://admin:a/b@h/x")).toBe("rtsp://admin:***@h/x");
  expect(withoutPassword("detect=rtsp://a:b@h/1,record=rtsp://a:c@h/2")).toBe(
    "detect=rtsp://a:***@h/1,record=rtsp://a:***@h/2",
  );
  expect(withoutPassword("rtsp://h/a@b")).toBe("rtsp://h/a@b");
  expect(() => parse("rtsp://u:hidden@:x/")).toThrow(/^(?!.*hidden).*$/s);
});

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Seats } from "../../../roles/video/seats.ts";
import { formatAddress } from "../../../shared/net/address.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { newToken, parseToken } from "../../../shared/net/token.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { untrainedModel } from "../../support/untrained-model.ts";
import { startVideo } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const CAMERAS = ["a", "b", "c", "d", "e"];
const counts = (seats: readonly { has(camera: string): boolean }[]) =>
  seats.map((seat) => CAMERAS.filter((camera) => seat.has(camera)).length);

describe("seats", () => {
  test("a camera has one tester, and testers have even shares", () => {
    const seats = new Seats(CAMERAS, new Set());
    const first = seats.join("1", () => {});
    expect(counts([first])).toEqual([5]);
    const second = seats.join("2", () => {});
    const third = seats.join("3", () => {});
    expect(counts([first, second, third]).sort()).toEqual([1, 2, 2]);
    for (const camera of CAMERAS) {
      expect([first, second, third].filter((seat) => seat.has(camera)).length).toBe(1);
    }
  });

  test("the cameras of a tester that goes are the others' at once, and those they had stay theirs", () => {
    const seats = new Seats(CAMERAS, new Set());
    let told = 0;
    const first = seats.join("1", () => told++);
    const second = seats.join("2", () => {});
    const before = CAMERAS.filter((camera) => first.has(camera));
    told = 0;
    second[Symbol.dispose]();
    expect(told).toBe(1);
    expect(counts([first])).toEqual([5]);
    expect(before.every((camera) => first.has(camera))).toBe(true);
  });

  test("a camera for all testers is everybody's", () => {
    const seats = new Seats(CAMERAS, new Set(["a"]));
    const both = [seats.join("1", () => {}), seats.join("2", () => {})];
    expect(both.map((seat) => seat.has("a"))).toEqual([true, true]);
    expect(counts(both)).toEqual([3, 3]);
  });
});

test("testers as processes share the cameras of two nodes; one that is killed is taken over within seconds", async () => {
  using root = tempFolder();
  const token = newToken();
  const site = siteOf(parseToken(token), "test");
  const model = join(root.path, "model.onnx");
  writeFileSync(model, untrainedModel(["cat", "dog"], { threshold: 0.9 }));
  const drawn = (names: readonly string[]) =>
    names.map((name) => ({ name, source: "synthetic:2?size=64x48&fps=5" }));
  await using first = await startVideo(drawn(["a", "b"]), { site });
  await using second = await startVideo(drawn(["c", "d"]), { site });
  const videos = [first, second].flatMap(({ address }) => ["--video", formatAddress(address)]);
  await using scope = new AsyncDisposableStack();
  const start = (number: number) => {
    const main = resolve(import.meta.dir, "../../../src/main.ts");
    const child = Bun.spawn(
      [
        ...[process.execPath, main, "--role", "tester", ...videos, "--model", model, "--threads", "1"],
        ...["--data", join(root.path, `data${number}`), "--listen", "127.0.0.1:0"],
      ],
      { env: { ...process.env, VIGIA_TOKEN: token }, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    scope.defer(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    const watching = new Set<string>();
    void (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of child.stderr) {
        const lines = decoder.decode(chunk, { stream: true });
        for (const [, camera] of lines.matchAll(/ watching .*?camera=(\w+)/g)) watching.add(camera!);
        changed.resolve();
      }
    })();
    return { child, watching };
  };
  let changed = Promise.withResolvers<void>();
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      changed = Promise.withResolvers<void>();
      await changed.promise;
    }
  };
  const testers = [start(0), start(1)] as const;
  await until(() => new Set(testers.flatMap(({ watching }) => [...watching])).size === 4);
  await until(() => testers.every(({ watching }) => watching.size > 0));
  const [killed, left] = testers;
  const since = performance.now();
  killed.child.kill("SIGKILL");
  await until(() => left.watching.size === 4);
  expect(performance.now() - since).toBeLessThan(5000);
}, 60_000);

/** What the one executable promises, tried on it: built, then copied alone into an empty folder. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { tempFolder } from "../support/temp.ts";

const REPOSITORY = resolve(import.meta.dir, "../..");
/** For the build, and for each test on a machine that does other things too. */
setDefaultTimeout(90_000);
const PICTURES = 16;

const folder = tempFolder();
const alone = join(folder.path, "alone");
const home = join(folder.path, "home");
const executable = join(alone, "vigia");
/** Any program will do for being put inside; the real one is large. */
const FAKE_FFMPEG = "#!/bin/sh\necho 'ffmpeg version 7.1-vigia-test Copyright'\n";

beforeAll(async () => {
  mkdirSync(alone);
  mkdirSync(home);
  const ffmpeg = join(folder.path, "some-ffmpeg");
  await Bun.write(ffmpeg, FAKE_FFMPEG);
  chmodSync(ffmpeg, 0o755);
  const built = join(folder.path, "build", "vigia");
  const build = Bun.spawnSync(
    [process.execPath, "src/build/build.ts", "--outfile", built, "--with-ffmpeg", ffmpeg],
    { cwd: REPOSITORY, stdout: "ignore", stderr: "pipe" },
  );
  expect(build.stderr.toString()).toBe("");
  expect(existsSync(join(folder.path, "build", "THIRD-PARTY-NOTICES.md"))).toBe(true);
  copyFileSync(built, executable);
});

afterAll(() => folder[Symbol.dispose]());

/** No Bun, no Node, no ffmpeg on the path, and nothing of this machine's settings. */
const environment = { HOME: home, PATH: "/nonexistent", TMPDIR: folder.path };

function vigia(...args: string[]): { status: number; output: string; errors: string; elapsedMs: number } {
  const startedMs = performance.now();
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...args], { cwd: alone, env: environment });
  const elapsedMs = performance.now() - startedMs;
  return { status: exitCode, output: stdout.toString(), errors: stderr.toString(), elapsedMs };
}

/** Waits for words in a stream and gives what the form's group found. */
async function said(stream: ReadableStream<Uint8Array>, form: RegExp): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const found = form.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error(`ended without ${form}: ${text}`);
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("the executable, alone in a folder", () => {
  test("answers --help in under 100 ms, and writes nothing anywhere for it", () => {
    const answers = Array.from({ length: 5 }, () => vigia("--help"));
    expect(answers[0]).toMatchObject({ status: 0, errors: "" });
    expect(answers[0]!.output).toContain("--role trainer");
    expect(Math.min(...answers.map((answer) => answer.elapsedMs))).toBeLessThan(100);
    expect(readdirSync(home)).toEqual([]);
  });

  test("ends with 2 on wrong usage, with words and no stack", () => {
    const { status, output, errors } = vigia("--role", "gardener");
    expect([status, output]).toEqual([2, ""]);
    expect(errors).toContain("no role gardener");
    expect(errors).not.toContain("$bunfs");
  });

  test("heeds neither .env nor bunfig.toml of the folder it is started in", async () => {
    await Bun.write(join(alone, ".env"), "VIGIA_CACHE_DIR=/from-dot-env\n");
    await Bun.write(join(alone, "bunfig.toml"), "preload = ['./nowhere.ts']\n");
    expect(vigia("--version")).toMatchObject({ status: 0, errors: "" });
  });

  test("draws and encodes pictures: sharp and libvips are inside", () => {
    expect(vigia("synth", "pictures", "--images", String(PICTURES), "--classes", "2").status).toBe(0);
    const pictures = readdirSync(join(alone, "pictures", "JPEGImages"));
    expect(pictures.filter((name) => name.endsWith(".jpg"))).toHaveLength(PICTURES);
    const stored = readdirSync(join(home, ".cache", "vigia"));
    expect(stored.filter((name) => name.startsWith("sharp-"))).toHaveLength(1);
  });

  test("computes with both engines, and knows the ffmpeg it was built with", () => {
    const { output, errors } = vigia("doctor", "--json", "--trainer", "127.0.0.1:1");
    expect(errors).not.toContain("vkCreateInstance"); // nor anything else of libraries that look for a GPU
    const findings = jsonLines(output);
    const engines = findings.filter(
      ({ what }) => /^(native|tfjs) /.test(String(what)) && /cpu|wasm/.test(String(what)),
    );
    expect(engines.map(({ ok, says }) => (ok ? "ok" : says))).toEqual(["ok", "ok"]);
    const ffmpeg = findings.find(({ what }) => what === "ffmpeg");
    expect(ffmpeg).toMatchObject({ ok: true });
    expect(String(ffmpeg?.says)).toContain(`7.1-vigia-test (${join(home, ".cache", "vigia", "ffmpeg-")}`);
  });

  test("trains with two workers, then detects and watches with the model: every thread is inside", () => {
    const trained = vigia(
      "train",
      "pictures",
      "--out",
      "m.onnx",
      "--size",
      "64",
      "--epochs",
      "1",
      "--workers",
      "2",
      "--json",
    );
    expect(trained).toMatchObject({ status: 0 });
    expect(jsonLines(trained.output).at(-1)).toMatchObject({ workers: 2 });

    const detected = vigia("detect", "--model", "m.onnx", "pictures/JPEGImages", "--out", "drawn", "--json");
    expect(detected).toMatchObject({ status: 0 });
    expect(jsonLines(detected.output)).toHaveLength(PICTURES);
    expect(readdirSync(join(alone, "drawn"))).toHaveLength(PICTURES);

    const watched = vigia(
      "watch",
      "--model",
      "m.onnx",
      "--data",
      "seen",
      "--json",
      "desk=pictures/JPEGImages",
    );
    expect(watched).toMatchObject({ status: 0 });
    expect(watched.errors).toContain("camera is live");
    for (const { errors } of [trained, detected, watched]) expect(errors).not.toContain("$bunfs");
  });

  test("serves the watcher's page", async () => {
    await using watcher = Bun.spawn(
      [executable, "--role", "watcher", "--http", "127.0.0.1:0", "--tester", "127.0.0.1:1"],
      { cwd: alone, env: environment, stdout: "ignore", stderr: "pipe" },
    );
    const address = await said(watcher.stderr, /the page is at (\S+)/);
    const page = await (await fetch(address)).text();
    const script = /<script[^>]* src="([^"]+)"/.exec(page)?.[1];
    expect(page).toContain("Vigía");
    expect((await fetch(new URL(script!, address))).headers.get("content-type")).toContain("javascript");
  });

  test("repairs what was cut in its store, and goes elsewhere when it cannot write there", () => {
    const store = join(home, ".cache", "vigia");
    const name = readdirSync(store).find((entry) => entry.startsWith("sharp-"))!;
    const library = readdirSync(join(store, name)).find((entry) => entry.startsWith("libvips"))!;
    const size = statSync(join(store, name, library)).size;
    Bun.spawnSync(["truncate", "-s", "100", join(store, name, library)]);
    expect(vigia("synth", "again", "--images", "1").status).toBe(0);
    expect(statSync(join(store, name, library)).size).toBe(size);

    const { exitCode } = Bun.spawnSync([executable, "synth", "third", "--images", "1"], {
      cwd: alone,
      env: { ...environment, HOME: "/proc" },
    });
    expect(exitCode).toBe(0);
  });
});

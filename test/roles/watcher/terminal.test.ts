import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { blocks } from "../../../roles/watcher/terminal-view.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startTester, testSite } from "../../support/site-roles.ts";
import { syntheticJpeg } from "../../support/synthetic-jpeg.ts";
import { tempFolder } from "../../support/temp.ts";
import { has } from "../../support/tools.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const MAIN = join(import.meta.dir, "../../../src/main.ts");

test("a picture becomes rows of coloured half blocks, two pixels in each", () => {
  const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9);
  const text = blocks({ width: 2, height: 2, data });
  expect(text).toBe("\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[38;2;0;255;0m\x1b[48;2;9;9;9m▀\x1b[0m\n");
});

describe.skipIf(!has("tmux"))("the log in a terminal (tmux)", () => {
  test("shows what was seen with a small picture", async () => {
    using folder = tempFolder();
    const stop = new AbortController();
    const jpeg = await syntheticJpeg(2);
    {
      using log = new SightingLog(join(folder.path, "data"));
      const now = Date.now();
      const times = { firstSeenMs: now, lastSeenMs: now, firstMediaMs: undefined, lastMediaMs: undefined };
      const who = { camera: "garden", className: "parrot", model: "past", modelVersion: 1 };
      log.open({ ...who, ...times, score: 0.9, box: [20, 30, 200, 180] }, jpeg);
    }
    const site = testSite();
    const tester = await startTester(site, folder.path, [], stop.signal);
    const socket = join(folder.path, "tmux");
    const tmux = async (...words: string[]): Promise<string> => {
      const child = Bun.spawn(["tmux", "-S", socket, ...words], { stdout: "pipe", stderr: "pipe" });
      await child.exited;
      return new Response(child.stdout).text();
    };
    const watch = `${process.execPath} ${MAIN} --role watcher --terminal --tester 127.0.0.1:${tester.address.port} --token ${site.token}`;
    try {
      await tmux("new-session", "-d", "-x", "100", "-y", "40", watch);
      const deadline = performance.now() + 20_000;
      let screen = "";
      while (!/garden {2}parrot {2}90%/.test(screen) && performance.now() < deadline) {
        await Bun.sleep(100);
        screen = await tmux("capture-pane", "-p");
      }
      expect(screen).toMatch(/garden {2}parrot {2}90%/);
      expect(screen).toContain("▀▀▀▀▀▀▀▀");
      expect(screen).toContain("-- untrained 1 looks for cat, dog");
    } finally {
      await tmux("kill-server");
      stop.abort();
      await tester.ended;
    }
  }, 40_000);
});

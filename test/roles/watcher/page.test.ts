import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { syntheticJpeg } from "../../support/synthetic-jpeg.ts";
import { tempFolder } from "../../support/temp.ts";
import { CHROMIUM, startWatchedPage, type WatchedPage } from "../../support/watcher-page.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** The page over a real tester, whose log already holds three sightings of yesterday, and one live camera. */
describe.skipIf(CHROMIUM === null)("the watcher's page in Chromium", () => {
  const folder = tempFolder();
  let watched: WatchedPage;

  beforeAll(async () => {
    const dataDir = join(folder.path, "data");
    mkdirSync(dataDir, { recursive: true });
    const jpeg = await syntheticJpeg(1);
    using log = new SightingLog(dataDir);
    const past = Date.now() - 86_400_000;
    for (const [i, className] of ["bus", "parrot", "parrot"].entries()) {
      const times = { firstSeenMs: past + 1000 * i, lastSeenMs: past + 1000 * i + 500 };
      const media = { firstMediaMs: undefined, lastMediaMs: undefined };
      const who = { camera: i === 0 ? "street" : "garden", className, model: "past", modelVersion: 1 };
      const path = [0, 1, 2].map((k) => ({
        atMs: 200 * k,
        box: [0.1 * k, 0.2, 0.1 * k + 0.3, 0.8] as const,
      }));
      log.open({ ...who, ...times, ...media, score: 0.9, box: [20, 30, 200, 180], path }, jpeg);
    }
    watched = await startWatchedPage(folder.path);
  }, 60_000);

  afterAll(async () => {
    await watched?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  }, 60_000);

  const open = (locale: string): Promise<Page> => watched.open({ locale });

  test("shows what was seen before, with photos", async () => {
    const page = await open("en-GB");
    const parrots = page.locator(".sighting", { hasText: "parrot" });
    await parrots.nth(1).waitFor();
    expect(await parrots.count()).toBe(2);
    const width = await parrots
      .first()
      .locator("img")
      .evaluate(async (image: HTMLImageElement) => {
        await image.decode();
        return image.naturalWidth;
      });
    expect(width).toBeGreaterThan(10);
    await page.context().close();
  });

  test("a new sighting comes in by itself, and the camera's picture with it", async () => {
    const page = await open("en-GB");
    await page.locator(".sighting", { hasText: "gate" }).first().waitFor({ timeout: 20_000 });
    await page.locator('.camera[data-state="live"]', { hasText: "gate" }).waitFor();
    await page.waitForFunction(
      () => (document.querySelector<HTMLImageElement>(".camera img")?.naturalWidth ?? 0) > 0,
    );
    await page.waitForFunction(() => document.querySelectorAll(".camera rect").length > 0);
    expect(await page.locator("#model").textContent()).toContain("untrained 1 looks for cat, dog");
    await page.context().close();
  });

  test("filters by class, camera and day", async () => {
    const page = await open("en-GB");
    await page.locator(".sighting", { hasText: "bus" }).waitFor();
    await page.locator('select[name="camera"]').selectOption("gate");
    await page.locator(".sighting", { hasText: "bus" }).waitFor({ state: "detached" });
    await page.locator('button[type="reset"]').click();
    await page.locator(".sighting", { hasText: "bus" }).waitFor();
    await page.locator('input[name="day"]').fill("2001-01-01");
    await page.locator("#empty", { hasText: "Nothing matches these filters." }).waitFor();
    await page.context().close();
  });

  test("opens a sighting large, with its box on the photo", async () => {
    const page = await open("en-GB");
    await page.locator(".sighting button", { hasText: "bus" }).click();
    const dialog = page.locator("dialog[open]");
    await dialog.waitFor();
    await dialog.locator("rect").waitFor();
    expect(await dialog.textContent()).toContain("street");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.context().close();
  });

  test("finds by a word, and turns from one sighting to the next with the arrow keys", async () => {
    const page = await open("en-GB");
    await page.locator('input[name="text"]').fill("garden");
    await page.locator(".sighting", { hasText: "gate" }).first().waitFor({ state: "detached" });
    expect(await page.locator(".sighting").count()).toBe(2);
    await page.locator(".sighting button").first().click();
    const photo = page.locator("#large-photo");
    const first = await photo.getAttribute("src");
    await page.locator("dialog polyline").waitFor({ state: "attached" });
    await page.keyboard.press("ArrowRight");
    expect(await photo.getAttribute("src")).not.toBe(first);
    expect(await page.locator("#older").isDisabled()).toBe(true);
    await page.context().close();
  });

  test("hands out a table of what is shown, for the reader's spreadsheet", async () => {
    const page = await open("es-ES");
    await page.locator('input[name="text"]').fill("street");
    await page.locator(".sighting", { hasText: "garden" }).first().waitFor({ state: "detached" });
    const href = await page.locator("#download").getAttribute("href");
    const answer = await fetch(new URL(href!, page.url()));
    expect(answer.headers.get("content-disposition")).toContain(".csv");
    const lines = Buffer.from(await answer.arrayBuffer())
      .toString()
      .trimEnd()
      .split("\r\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toStartWith("\ufeffid;cámara;clase;");
    expect(lines[1]).toContain(";street;bus;0,9;");
    await page.context().close();
  });

  test("speaks Spanish to a Spanish browser", async () => {
    const page = await open("es-MX");
    await page.locator("#log-title", { hasText: "Avistamientos" }).waitFor();
    await page.locator("#state", { hasText: "en directo" }).waitFor();
    await page.context().close();
  });

  test("a name that is known later shows on the card, and in the large view", async () => {
    const page = await open("en-GB");
    await page.locator(".sighting", { hasText: "bus" }).waitFor();
    {
      using log = new SightingLog(join(folder.path, "data"));
      log.setName(1, "Pepe");
    }
    // Told with the camera's next change.
    await page.locator(".sighting button", { hasText: "bus Pepe" }).click({ timeout: 20_000 });
    await page.locator("#large-title", { hasText: "bus Pepe" }).waitFor();
    await page.context().close();
  });
});

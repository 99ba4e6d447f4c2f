/** Drawing what counts as near, on the page in Chromium, over a real tester that sees one thing, always there. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { NearRules } from "../../../shared/detect/near/rules.ts";
import { parseRules } from "../../../shared/detect/near/rules-file.ts";
import { fixedDetector } from "../../support/fixed-detector.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";
import { CHROMIUM, startWatchedPage, type WatchedPage } from "../../support/watcher-page.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A place on the picture, in shares of its width and height. */
type Place = readonly [x: number, y: number];

/** The corner of the picture where nothing stands. */
const ELSEWHERE: readonly Place[] = [
  [0.05, 0.1],
  [0.2, 0.1],
  [0.2, 0.3],
  [0.05, 0.3],
];

describe.skipIf(CHROMIUM === null)("the rules editor in Chromium", () => {
  const folder = tempFolder();
  const rulesFile = join(folder.path, "rules.json");
  let watched: WatchedPage;

  beforeAll(async () => {
    const model = join(folder.path, "fixed.onnx");
    writeFileSync(model, fixedDetector(["cat", "dog"], [0.4, 0.4, 0.6, 0.7]));
    watched = await startWatchedPage(folder.path, {
      tester: { model: { file: model }, rulesFile: { path: rulesFile, mayBeAbsent: true } },
    });
  }, 60_000);

  afterAll(async () => {
    await watched?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  }, 60_000);

  /** A page on which the camera is open, large. */
  async function openCamera(locale = "en-GB", width = 1200): Promise<Page> {
    const page = await watched.open({ locale, viewport: { width, height: 900 }, hasTouch: true });
    await page.locator(".camera button", { hasText: /Zones|Zonas/ }).click();
    // A thing with its height, and the fields.
    await page.locator("#rules-drawing text", { hasText: /cat.*% (high|de alto)/ }).waitFor();
    await page.locator("#rules-add-zone").waitFor();
    return page;
  }

  async function at(page: Page, [x, y]: Place): Promise<{ x: number; y: number }> {
    const box = (await page.locator("#rules-drawing").boundingBox())!;
    return { x: box.x + x * box.width, y: box.y + y * box.height };
  }

  async function click(page: Page, places: readonly Place[]): Promise<void> {
    for (const place of places) {
      const { x, y } = await at(page, place);
      await page.mouse.click(x, y);
    }
  }

  async function drag(page: Page, from: Place, to: Place): Promise<void> {
    const [start, end] = [await at(page, from), await at(page, to)];
    await page.mouse.move(start.x, start.y);
    await page.mouse.down();
    await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2);
    await page.mouse.move(end.x, end.y);
    await page.mouse.up();
  }

  async function save(page: Page): Promise<void> {
    await page.locator("#rules-save").click();
    await page.locator("#rules-state", { hasText: /saved, and in force|guardado y en vigor/ }).waitFor();
  }

  function inFile(): NearRules["all"] {
    return parseRules(readFileSync(rulesFile, "utf8"), "rules").cameras.gate ?? {};
  }

  test("a zone that is drawn is in force at once: what stands outside is recorded no more", async () => {
    const page = await openCamera();
    await page.locator('.sighting[data-closed="false"]', { hasText: "cat" }).waitFor({ state: "attached" });
    const thing = page.locator("#rules-drawing rect");
    expect(await thing.getAttribute("data-near")).toBe("true");

    const corner = await at(page, [0, 0]);
    await page.locator("#rules-add-zone").click();
    await click(page, [...ELSEWHERE, ELSEWHERE[0]!]);
    expect(await thing.getAttribute("data-near")).toBe("false");
    // Fields have come, and the picture has not moved under the pointer.
    await page.locator("#rules-name").waitFor();
    expect(await at(page, [0, 0])).toEqual(corner);
    await page.locator("#rules-name").fill("counter");
    await page.locator("#rules-dwell").fill("1.5");
    await page.getByLabel("cat", { exact: true }).check();
    await save(page);
    const [zone] = inFile().zones!;
    expect(zone).toMatchObject({ name: "counter", dwellMs: 1500, classes: ["cat"] });
    zone!.polygon.forEach(([x, y], i) => {
      expect(x).toBeCloseTo(ELSEWHERE[i]![0], 2);
      expect(y).toBeCloseTo(ELSEWHERE[i]![1], 2);
    });
    await page.locator('.sighting[data-closed="true"]', { hasText: "cat" }).waitFor({ state: "attached" });
    expect(await page.locator('.sighting[data-closed="false"]').count()).toBe(0);

    // Pulled over the thing by its corners, it takes it in; the record says by which zone.
    await drag(page, ELSEWHERE[2]!, [0.9, 0.99]);
    await drag(page, ELSEWHERE[3]!, [0.1, 0.99]);
    expect(await thing.getAttribute("data-near")).toBe("true");
    await save(page);
    await page.locator('.sighting[data-closed="false"]').waitFor({ state: "attached" });
    await page.locator("#rules-close").click();
    await page.locator('.sighting[data-closed="false"] button').click();
    await page.locator("#large-facts", { hasText: "counter" }).waitFor();
    await page.context().close();
  }, 60_000);

  test("a line, a mask, the height and the distance are drawn, and read again as they were", async () => {
    const page = await openCamera("es-ES");
    await page.locator("#rules-add-line").click();
    await click(page, [
      [0.75, 0.9],
      [0.75, 0.5],
    ]);
    await page.locator("#rules-add-mask").click();
    await click(page, [
      [0.5, 0.05],
      [0.7, 0.05],
      [0.6, 0.2],
    ]);
    await page.keyboard.press("Enter");
    await page.locator("#rules-distance").check();
    await page.locator("#rules-far").fill("20");
    await drag(page, [0.5, 0.5], [0.5, 0.6]);
    await page.locator("#rules-height").fill("12.5");
    await page.locator('#rules-drawing [data-grip="height"]').focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowUp");
    await save(page);
    const { lines, masks, distance, heightMin } = inFile();
    expect(lines).toMatchObject([{ name: "Línea 1", direction: "left-to-right" }]);
    expect(masks?.map((mask) => mask.length)).toEqual([3]);
    expect(distance?.marks[1]).toMatchObject({ meters: 20, y: expect.closeTo(0.6, 2) });
    expect(heightMin).toBe(0.15);
    await page.locator("#rules-close").click();
    await page.locator(".camera button").click();
    await page.locator(".shapes button", { hasText: "Línea 1" }).waitFor();
    await page.locator(".shapes button", { hasText: "Parte ignorada" }).waitFor();
    expect(await page.locator("#rules-far").inputValue()).toBe("20");
    expect(await page.locator("#rules-save").isDisabled()).toBe(true);
    await page.context().close();
  }, 60_000);

  test("by keys alone: a ready-made zone, a corner moved and deleted, the zone deleted", async () => {
    const page = await openCamera();
    await page.locator("#rules-add-zone").focus();
    await page.keyboard.press("Enter");
    await page.locator("#rules-drawing[data-drawing=true]").waitFor();
    await page.keyboard.press("Enter");
    const corners = page.locator('#rules-drawing g[data-grip^="corner"]');
    expect(await corners.count()).toBe(4);
    await corners.nth(1).focus();
    await page.keyboard.press("Shift+ArrowRight");
    const polygon = page.locator("#rules-drawing polygon[data-selected=true]");
    const [, second] = (await polygon.getAttribute("points"))!.split(" ");
    expect(Number(second!.split(",")[0]) / 640).toBeCloseTo(0.75, 3);
    await page.keyboard.press("Delete");
    expect(await corners.count()).toBe(3);
    await page.locator("#rules-remove").press("Enter");
    await polygon.waitFor({ state: "detached" });
    await page.context().close();
  }, 60_000);

  test("what somebody else saved meanwhile is not overwritten unasked", async () => {
    const page = await openCamera();
    const other = await openCamera();
    await other.locator("#rules-height").fill("33");
    await save(other);
    await page.locator("#rules-height").fill("44");
    await page.locator("#rules-save").click();
    await page.locator("#rules-state", { hasText: "Somebody else has changed" }).waitFor();
    expect(inFile().heightMin).toBe(0.33);
    await page.getByRole("button", { name: "Show theirs" }).click();
    await page.waitForFunction(
      () => document.querySelector<HTMLInputElement>("#rules-height")?.value === "33",
    );
    await page.locator("#rules-height").fill("1");
    await save(page);
    expect(inFile().heightMin).toBe(0.01);
    await Promise.all([page.context().close(), other.context().close()]);
  }, 60_000);

  test("a file with a mistake is said, and left alone", async () => {
    const before = readFileSync(rulesFile, "utf8");
    writeFileSync(rulesFile, '{ "cameras": { "gate": { "zonse": [] } } }');
    const page = await openCamera();
    await page.locator("#rules-state", { hasText: "cameras.gate.zonse" }).waitFor();
    await page.locator("#rules-height").fill("20");
    expect(await page.locator("#rules-save").isDisabled()).toBe(true);
    writeFileSync(rulesFile, before);
    await page.context().close();
  }, 60_000);

  test("a finger draws on a phone", async () => {
    const page = await openCamera("en-GB", 390);
    await page.locator("#rules-add-zone").tap();
    for (const place of ELSEWHERE) {
      const { x, y } = await at(page, place);
      await page.touchscreen.tap(x, y);
    }
    await page.locator("#rules-finish").tap();
    await page.locator("#rules-drawing polygon[data-selected=true]").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.context().close();
  }, 60_000);

  const rules = (): string => new URL("/rules/0/gate", watched.url).href;
  const put = (headers: Record<string, string>, body: unknown): Promise<Response> =>
    fetch(rules(), { method: "PUT", headers, body: JSON.stringify(body) });

  test("only the page itself may change anything", async () => {
    const before = readFileSync(rulesFile, "utf8");
    const { revision } = (await (await fetch(rules())).json()) as { revision: string };
    const body = { revision, rules: {} };
    const own = new URL(watched.url).origin;
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: own, "sec-fetch-site": "cross-site" },
      { origin: "http://evil.example", host: "evil.example" },
    ]) {
      expect((await put(headers, body)).status).toBe(403);
    }
    // A foreign name for this machine (DNS rebinding) does not even read.
    for (const path of ["/rules/0/gate", "/sightings", "/camera/0/gate", "/events"]) {
      expect((await fetch(new URL(path, watched.url), { headers: { host: "evil.example" } })).status).toBe(
        403,
      );
    }
    expect(readFileSync(rulesFile, "utf8")).toBe(before);
    expect((await put({ origin: own, "sec-fetch-site": "same-origin" }, body)).status).toBe(200);
    expect(inFile()).toEqual({});
  });

  test("rules with a mistake are refused with the place and what belongs there", async () => {
    const before = readFileSync(rulesFile, "utf8");
    const { revision } = (await (await fetch(rules())).json()) as { revision: string };
    const line = {
      name: "x",
      polygon: [
        [0, 0],
        [2, 0],
        [1, 1],
      ],
    };
    const answer = await put({}, { revision, rules: { zones: [line] } });
    expect(await answer.json()).toMatchObject({
      outcome: "refused",
      reason: expect.stringMatching(
        /cameras\.gate\.zones\[0\]\.polygon\[1\]\[0\] is 2 \(expected: a number from 0 to 1\)/,
      ),
    });
    expect((await put({}, { revision })).status).toBe(400);
    expect((await put({}, { revision, rules: { zones: [], name: "y".repeat(600_000) } })).status).toBe(413);
    expect(readFileSync(rulesFile, "utf8")).toBe(before);
  });
});

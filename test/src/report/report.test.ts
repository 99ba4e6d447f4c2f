import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { syntheticPicture } from "../../../shared/dataset/synthetic/picture.ts";
import type { Dataset, Sample } from "../../../shared/dataset/types.ts";
import type { Box, Detection } from "../../../shared/detect/types.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import { readHeader } from "../../../shared/image/header.ts";
import { evaluate } from "../../../shared/metrics/evaluation.ts";
import type { ScoredPicture } from "../../../shared/metrics/metric.ts";
import { html } from "../../../src/report/html.ts";
import { findMistakes } from "../../../src/report/mistakes.ts";
import { writeReport } from "../../../src/report/write-report.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { modelInfo } from "../../support/model-info.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const CHROMIUM = Bun.which("chromium");
/** Names as a stranger's data set could have them. */
const CLASSES = ["cat", "<script>window.harmed=1</script>", '" onload="harmed=1'];

const seen = (classIndex: number, score: number, ...box: Box): Detection => ({ classIndex, score, box });

/** A cat found, a cat taken for class 1, a cat seen too weakly, and a cat where nothing is. */
const room: ScoredPicture = {
  truths: [
    { classIndex: 0, box: [10, 10, 60, 60] },
    { classIndex: 0, box: [100, 10, 160, 60] },
    { classIndex: 0, box: [200, 100, 300, 200] },
    { classIndex: 2, box: [10, 200, 20, 210] },
  ],
  detections: [
    seen(0, 0.9, 10, 10, 60, 58),
    seen(1, 0.8, 100, 10, 160, 60),
    seen(0, 0.2, 200, 100, 300, 190),
    seen(0, 0.7, 10, 120, 60, 160),
  ],
};

describe("mistakes", () => {
  const thresholds = [0.5, 0.5, 0.5];

  test("are those of the confusion matrix, one by one", () => {
    const { falseDetections, confusions, misses } = findMistakes([room], thresholds);
    expect(falseDetections).toEqual([{ picture: 0, seen: room.detections[3]!, overlap: 0 }]);
    expect(confusions).toEqual([{ picture: 0, seen: room.detections[1]!, truth: room.truths[1]! }]);
    expect(misses).toEqual([
      { picture: 0, truth: room.truths[2]!, nearly: room.detections[2]! },
      { picture: 0, truth: room.truths[3]!, nearly: undefined },
    ]);
    const { confusion } = evaluate({ classes: CLASSES, thresholds }, [room]);
    expect(confusion.at(-1)!.reduce((sum, count) => sum + count)).toBe(falseDetections.length);
    expect(confusion.reduce((sum, row) => sum + row.at(-1)!, 0)).toBe(misses.length);
  });

  test("come with the worst first", () => {
    const quiet = { truths: [], detections: [seen(0, 0.6, 0, 0, 9, 9)] };
    const loud = { truths: [], detections: [seen(0, 0.95, 0, 0, 9, 9)] };
    const order = findMistakes([quiet, room, loud], thresholds).falseDetections.map(({ picture }) => picture);
    expect(order).toEqual([2, 1, 0]);
  });
});

test("a template escapes what is put into it, and keeps what is a template itself", () => {
  const name = `<b>&"'`;
  expect(html`<p title="${name}">${html`<i>${name}</i>`}${["a", 1]}</p>`.text).toBe(
    '<p title="&#60;b&#62;&#38;&#34;&#39;"><i>&#60;b&#62;&#38;&#34;&#39;</i>a1</p>',
  );
});

describe("a report", () => {
  const folder = tempFolder();
  let page: string;

  beforeAll(async () => {
    const root = join(folder.path, "<i>rooms");
    mkdirSync(root);
    const { picture } = await syntheticPicture(3, 0, ["car"], { size: { width: 320, height: 240 } });
    const path = join(root, "a&b<img src=x>.jpg");
    writeFileSync(path, await encodeJpeg(picture, 90));
    const damaged = join(root, "damaged.jpg");
    writeFileSync(damaged, "no picture");
    const sample = (id: string, file: string, truths: ScoredPicture["truths"]): Sample => ({
      id,
      path: file,
      width: 320,
      height: 240,
      labels: truths,
    });
    const unseen: ScoredPicture = { truths: [{ classIndex: 0, box: [0, 0, 300, 200] }], detections: [] };
    const dataset: Dataset = {
      root,
      classes: CLASSES,
      splits: { test: [sample("a", path, room.truths), sample("b", damaged, unseen.truths)] },
      defects: [],
    };
    const scored = [room, unseen];
    const info = modelInfo({ kind: "detector", size: 96, classCount: 3, variant: "small" });
    const history = Array.from({ length: 30 }, (_, i) => ({
      samples: 80 * (i + 1),
      rate: 0.001,
      loss: { box: 3 / (i + 1), "<b>class": 1 },
      ...(i % 10 === 9 && { map50: i / 40 }),
    }));
    const model = { ...info, name: "<u>rooms", classes: CLASSES, thresholds: [0.5, 0.5, 0.5], history };
    const result = evaluate(model, scored);
    const evaluated = { result, scored, difficult: 4, imagesPerSecond: 12.3 };
    const out = join(folder.path, "out/report");
    page = await writeReport(
      out,
      { model, dataset, split: "test", evaluated, engine: "native" },
      new AbortController().signal,
    );
  });

  afterAll(() => folder[Symbol.dispose]());

  test("lies beside its pictures, whose names come from numbers alone", () => {
    expect(page).toBe(join(folder.path, "out/report/report.html"));
    for (const name of ["false-01", "confused-01", "missed-01", "missed-02"]) {
      const jpeg = readFileSync(join(folder.path, `out/report/mistakes/${name}.jpg`));
      expect(readHeader(jpeg)).toMatchObject({ format: "jpeg" });
    }
    // The object of the picture that cannot be decoded is counted, and has no photo.
    expect(existsSync(join(folder.path, "out/report/mistakes/missed-03.jpg"))).toBe(false);
    expect(readFileSync(page, "utf8")).toContain(
      '<span lang="en">Not seen</span><span lang="es">No visto</span>: 3',
    );
  });

  test("holds no markup of the data set", () => {
    const text = readFileSync(page, "utf8");
    for (const markup of ["<script>window", '" onload', "<img src=x", "<i>rooms", "<u>rooms", "<b>class"]) {
      expect(text).not.toContain(markup);
    }
  });

  describe.skipIf(CHROMIUM === null)("in Chromium", () => {
    let browser: Browser;
    beforeAll(async () => {
      const args = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
      ];
      browser = await chromium.launch({ executablePath: CHROMIUM!, args });
    }, 60_000);
    afterAll(() => browser?.close());

    async function open(locale: string) {
      const context = await browser.newContext({ locale });
      const tab = await context.newPage();
      const complaints: string[] = [];
      const requests: string[] = [];
      tab.on("console", (message) => complaints.push(message.text()));
      tab.on("request", (request) => requests.push(request.url()));
      await tab.goto(pathToFileURL(page).href);
      return { tab, complaints, requests };
    }

    test("shows figures, curves, confusions and every picture, and asks no network", async () => {
      const { tab, complaints, requests } = await open("en-GB");
      const loaded = await tab.evaluate(async () => {
        for (const image of document.images) {
          image.loading = "eager";
          await image.decode();
        }
        return [...document.images].map((image) => image.naturalWidth > 100);
      });
      expect(loaded).toEqual([true, true, true, true]);
      expect(await tab.locator(".curves svg").count()).toBe(2);
      expect(await tab.locator(".history svg").count()).toBe(3);
      expect(await tab.locator(".history .legend").allInnerTexts()).toEqual(["all\nbox\n<b>class"]);
      expect(await tab.locator(".confusion tbody tr").count()).toBe(4);
      expect(await tab.locator(".classes tbody th").allTextContents()).toEqual(CLASSES);
      expect(await tab.evaluate(() => "harmed" in window)).toBe(false);
      expect(requests.filter((url) => !url.startsWith("file:"))).toEqual([]);
      expect(complaints).toEqual([]);
    });

    test("speaks the browser's language", async () => {
      const heading = async (locale: string): Promise<string> =>
        (await (await open(locale)).tab.locator("h2 span:visible").first().textContent()) ?? "";
      expect([await heading("es-MX"), await heading("en-GB"), await heading("de-DE")]).toEqual([
        "Clases",
        "Classes",
        "Classes",
      ]);
    });
  });
});

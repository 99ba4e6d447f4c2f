import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { exportTfjs } from "../../../shared/nn/export/tfjs.ts";
import { WEIGHTS_FILE } from "../../../shared/nn/export/tfjs-graph.ts";
import { tfjsNetwork } from "../../../shared/nn/export/tfjs-network.ts";
import type { Network } from "../../../shared/nn/graph.ts";
import { decodeForInference, encodeModelFile } from "../../../shared/nn/model-file.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { buildNetwork, type NetworkConfig } from "../../../shared/nn/networks/config.ts";
import { trainingExample } from "../../support/check-training.ts";
import { everyLayerNetwork } from "../../support/every-layer.ts";
import { BUSY_MACHINE_MS, LONG_WORK_MS } from "../../support/limits.ts";
import { modelInfo } from "../../support/model-info.ts";
import { largestDifference } from "../../support/reference-network.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const ROOT = join(import.meta.dir, "../../..");
const CHROMIUM = Bun.which("chromium");
const TFJS = join(
  dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs/package.json")),
  "dist/tf.min.js",
);

const configs: Record<string, NetworkConfig> = {
  detector: { kind: "detector", size: 64, classCount: 3, variant: "small" },
  "single-box": { kind: "single-box", size: 64, classCount: 3 },
  mlp: { kind: "mlp", classCount: 2, hidden: 8 },
};
const BATCH = 2;

/** tfjs in a page of its own, as a web site would use it: it fetches the models over HTTP. */
describe.skipIf(CHROMIUM === null)("an exported model in Chromium", () => {
  const files = new Map<string, string | Uint8Array>();
  let server: Bun.Server<undefined>;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch({ url }) {
        const path = new URL(url).pathname.slice(1);
        if (path === "") return pageHtml();
        const content = path === "tf.js" ? readFileSync(TFJS) : files.get(path);
        return content === undefined ? new Response("", { status: 404 }) : new Response(content as BodyInit);
      },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-gpu"] });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.evaluate(`tf.setBackend("cpu")`);
  }, LONG_WORK_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.stop(true);
  });

  /** Outputs of the model in a served folder, with the channels brought to the front as engines have them. */
  async function infer(folder: string, network: Network, pictures: Uint8Array): Promise<Float32Array[]> {
    const { channels, height, width } = network.input;
    const names = network.outputs.map(({ name }) => name);
    const answers = await page.evaluate(
      `(async () => {
        const model = await tf.loadGraphModel("${folder}/model.json");
        const x = tf.tensor([${pictures.join()}], [${BATCH}, ${height}, ${width}, ${channels}], "float32");
        const outputs = model.execute({ images: x }, ${JSON.stringify(names)});
        return Promise.all([outputs].flat().map(async (y) => {
          const first = y.rank === 4 ? y.transpose([0, 3, 1, 2]) : y;
          return Array.from(await first.data());
        }));
      })()`,
    );
    return (answers as number[][]).map((answer) => Float32Array.from(answer));
  }

  async function expectSame(folder: string, network: Network, weights: Float32Array, pictures: Uint8Array) {
    await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
    await using predictor = await engine.predictor(network, weights, { batch: BATCH });
    const native = await predictor.infer(pictures, BATCH);
    const browsers = await infer(folder, network, pictures);
    native.forEach((output, i) => {
      expect(largestDifference(browsers[i]!, output)).toBeLessThan(1e-3);
    });
  }

  test.each(Object.keys(configs))("%s answers what the native engine answers", async (name) => {
    const network = buildNetwork(configs[name]!);
    const { weights, pictures } = trainingExample(network, BATCH, 1);
    const stored = decodeForInference(encodeModelFile(modelInfo(configs[name]!), weights));
    for (const file of exportTfjs(stored)) files.set(`${name}/${file.name}`, file.content);
    await expectSame(name, network, weights, pictures);
  });

  test("every kind of layer, odd sides and paddings", async () => {
    const network = everyLayerNetwork();
    const { weights, pictures } = trainingExample(network, BATCH, 1);
    const { model, weights: numbers } = tfjsNetwork(network, weights, "images").encode({}, "test");
    files.set("every/model.json", model);
    files.set(`every/${WEIGHTS_FILE}`, numbers);
    await expectSame("every", network, weights, pictures);
  });

  test("vigia export writes such a folder, with labels and a note", async () => {
    using folder = tempFolder();
    const config = configs.detector!;
    const network = buildNetwork(config);
    const { weights, pictures } = trainingExample(network, BATCH, 2);
    const path = join(folder.path, "model.onnx");
    await Bun.write(path, encodeModelFile(modelInfo(config), weights));
    const out = join(folder.path, "web");
    const program = [process.execPath, join(ROOT, "src/main.ts")];
    const vigia = Bun.spawnSync([...program, "export", path, "--format", "tfjs", "--out", out, "--json"]);
    const said = JSON.parse(vigia.stdout.toString()) as { folder: string; files: string[] };
    expect(said).toEqual({ folder: out, files: ["model.json", WEIGHTS_FILE, "labels.json", "README.md"] });
    for (const name of said.files) files.set(`cli/${name}`, readFileSync(join(out, name)));
    await expectSame("cli", network, weights, pictures);
    const labels = JSON.parse(readFileSync(join(out, "labels.json"), "utf8")) as Record<string, unknown>;
    expect(labels).toMatchObject({
      classes: modelInfo(config).classes,
      outputs: network.outputs.map(({ name }) => name),
    });
  });
});

function pageHtml(): Response {
  return new Response(`<!doctype html><script src="tf.js"></script>`, {
    headers: { "content-type": "text/html" },
  });
}

import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../shared/base/log.ts";
import { readDataset } from "../../shared/dataset/read.ts";
import { writeSyntheticDataset } from "../../shared/dataset/synthetic/dataset.ts";
import { readModelInfo } from "../../shared/nn/model-file.ts";
import { BUSY_MACHINE_MS } from "../support/limits.ts";
import { tempFolder } from "../support/temp.ts";
import { untrainedModel } from "../support/untrained-model.ts";
import { vigia } from "../support/vigia.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const CLASSES = ["bus", "car"];

test("vigia quantize makes a smaller model, and vigia detect looks with it", async () => {
  using folder = tempFolder();
  const pictures = join(folder.path, "pictures");
  await writeSyntheticDataset(pictures, { images: 6, classes: CLASSES, seed: 1 });
  const [model, small] = [join(folder.path, "model.onnx"), join(folder.path, "model-int8.onnx")];
  writeFileSync(model, untrainedModel(CLASSES, { threshold: 1e-4 }));
  const { splits } = await readDataset(pictures, { log: silentLog });
  const damaged = splits.train![0]!.path;
  writeFileSync(damaged, readFileSync(damaged).subarray(0, 2000));

  const made = await vigia("quantize", model, "--data", pictures, "--out", small, "--json");
  expect(made).toMatchObject({ status: 0, err: expect.stringContaining(`file=${damaged}`) });
  const result = JSON.parse(made.out);
  expect(result).toMatchObject({
    model: small,
    floatBytes: statSync(model).size,
    bytes: statSync(small).size,
  });
  expect(result.bytes / result.floatBytes).toBeLessThan(0.3);
  expect(readModelInfo(readFileSync(small))).toMatchObject({
    format: "int8",
    metrics: { floatMap50: expect.any(Number), int8Map50: expect.any(Number) },
  });

  const picture = (readdirSync(pictures, { recursive: true }) as string[]).find((name) =>
    name.endsWith(".jpg"),
  )!;
  const seen = await vigia("detect", "--json", "--model", small, join(pictures, picture));
  expect(seen).toMatchObject({ status: 0 });
  expect(JSON.parse(seen.out).detections.length).toBeGreaterThan(0);

  const again = await vigia("quantize", small, "--data", pictures, "--out", join(folder.path, "again.onnx"));
  expect(again.status).toBe(1);
  expect(again.err).toContain("use the float32 model that it was made from");
});

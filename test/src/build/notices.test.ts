import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NOTICES_PATH, thirdPartyNotices } from "../../../src/build/notices.ts";

test("the notices name every package that the executable holds (else: bun src/build/notices.ts)", async () => {
  const written = readFileSync(NOTICES_PATH, "utf8");
  expect(written).toBe(await thirdPartyNotices());
  for (const name of [
    "sharp",
    "libvips",
    "onnxruntime-node",
    "@tensorflow/tfjs",
    "citty",
    "Bun",
    "JavaScriptCore",
  ]) {
    expect(written).toContain(name);
  }
});

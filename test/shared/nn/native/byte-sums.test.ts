import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { hasExactByteSums } from "../../../../shared/nn/native/byte-sums.ts";

const cpuFacts = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";

test.skipIf(process.arch !== "x64" || cpuFacts === "")(
  "8-bit sums are exact just where the processor has dot products of bytes",
  async () => {
    expect(await hasExactByteSums({ device: "cpu", threads: 1 })).toBe(/avx512_vnni|avx_vnni/.test(cpuFacts));
  },
);

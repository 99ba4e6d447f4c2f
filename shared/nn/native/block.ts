import { OnnxBuilder } from "../onnx/builder.ts";
import { hostTensor, openSession, type SessionOptions } from "./runtime.ts";

/** Sizes that onnxruntime 1.27 uses: 16 with AVX-512 and NEON, 8 with AVX2 and SSE. */
const BLOCKS = [16, 8] as const;

let known: Promise<number | undefined> | undefined;

/**
 * Channels in a block of onnxruntime's blocked ("NCHWc") layout on this processor; undefined where it has no such
 * kernels. Asked of the library itself: a value of 4 channels is filled up to one block.
 */
export function blockSize(options: SessionOptions): Promise<number | undefined> {
  known ??= probe(options);
  return known;
}

async function probe(options: SessionOptions): Promise<number | undefined> {
  for (const block of BLOCKS) {
    const b = new OnnxBuilder();
    const x = b.input("x", [1, 4, 1, 1]);
    b.op("ReorderInput", [x], {}, { name: "y", domain: "com.microsoft.nchwc" });
    b.output("y", [1, "channels", 1, 1]);
    try {
      await using session = await openSession(b.encodeGraph(), { device: "cpu", threads: options.threads });
      await session.run({ x: hostTensor([1, 4, 1, 1]), y: hostTensor([1, block, 1, 1]) });
      return block;
    } catch {
      // Another size, or none.
    }
  }
  return undefined;
}

import { OnnxBuilder } from "../onnx/builder.ts";
import { levelConstants } from "../quantize/levels.ts";
import { openSession, type SessionOptions } from "./runtime.ts";

/** The largest numbers of both kinds, and enough of them that every kernel takes its usual way. */
const BYTE = 255;
const FILTER = 127;
const CHANNELS = 64;
const FILTERS = 16;
/** What their sum is as a byte. */
const SUM = 200;

let known: Promise<boolean> | undefined;

/**
 * Whether 8-bit convolutions come out right on this processor, asked of the library itself. x86 processors without
 * 8-bit dot products (VNNI) add pairs of products in 16 bits, and what does not fit is cut off: large values come out
 * smaller, and a model finds less than in float (onnxruntime's documentation, "Quantize ONNX models", U8S8).
 */
export function hasExactByteSums(options: SessionOptions): Promise<boolean> {
  known ??= probe(options);
  return known;
}

async function probe({ threads }: SessionOptions): Promise<boolean> {
  const b = new OnnxBuilder();
  const filters = new Int8Array(FILTERS * CHANNELS).fill(FILTER);
  const sum = b.op(
    "QLinearConv",
    [
      b.input("x", [1, 1, 1, CHANNELS], "uint8"),
      ...levelConstants(b, { name: "x", scale: 1, zeroPoint: 0 }),
      b.tensor({ name: "filters", type: "int8", shape: [FILTERS, CHANNELS, 1, 1], data: filters }),
      b.scalar(1),
      b.tensor({ name: "filter_zero_point", type: "int8", shape: [], data: Int8Array.of(0) }),
      ...levelConstants(b, { name: "y", scale: (BYTE * FILTER * CHANNELS) / SUM, zeroPoint: 0 }),
    ],
    { kernel_shape: [1, 1], channels_last: 1 },
    { domain: "com.microsoft", name: "y" },
  );
  b.output(sum, [1, 1, 1, FILTERS], "uint8");
  const y = new Uint8Array(FILTERS);
  try {
    await using session = await openSession(b.encodeGraph(), { device: "cpu", threads });
    const shape = [1, 1, 1, CHANNELS];
    await session.run({
      x: { type: "uint8", shape, data: new Uint8Array(CHANNELS).fill(BYTE) },
      y: { type: "uint8", shape: [1, 1, 1, FILTERS], data: y },
    });
  } catch {
    return false; // a library without these operators
  }
  return y.every((byte) => byte === SUM);
}

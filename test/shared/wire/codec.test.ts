import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { errorKind } from "../../../shared/base/errors.ts";
import {
  bool,
  bytes,
  type Codec,
  f64,
  finite,
  floats,
  json,
  list,
  oneOf,
  optional,
  Reader,
  record,
  text,
  u8,
  u16,
  u32,
  u53,
} from "../../../shared/wire/codec.ts";

function encoded<T>(codec: Codec<T>, value: T): Buffer {
  const out = Buffer.alloc(codec.size(value));
  expect(codec.write(out, 0, value)).toBe(out.length);
  return out;
}

/** Reads the whole of `source`, which is checked to be used up. */
function decoded<T>(codec: Codec<T>, source: Buffer): T {
  const from = new Reader(source);
  const value = codec.read(from);
  expect(from.at).toBe(source.length);
  return value;
}

function kindOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return errorKind(error);
  }
  return "no error";
}

const words = fc.string({ unit: "grapheme", maxLength: 20 });
const row = record({ id: u32, name: optional(text(200)), tags: list(oneOf("a", "b", "c"), 5) });

/** Every codec with the values that it must carry. */
const CODECS: readonly [name: string, codec: Codec<never>, values: fc.Arbitrary<unknown>][] = [
  entry("u8", u8, fc.integer({ min: 0, max: 2 ** 8 - 1 })),
  entry("u16", u16, fc.integer({ min: 0, max: 2 ** 16 - 1 })),
  entry("u32", u32, fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  entry("u53", u53, fc.maxSafeNat()),
  entry("f64", f64, fc.double()),
  entry("finite", finite, fc.double({ noNaN: true, noDefaultInfinity: true })),
  entry("bool", bool, fc.boolean()),
  entry("text", text(200), words),
  entry("bytes", bytes(50), fc.uint8Array({ maxLength: 50 })),
  entry("floats", floats(20), fc.float32Array({ maxLength: 20 })),
  entry("list", list(u16, 9), fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 9 })),
  entry("optional", optional(text(200)), fc.option(words, { nil: undefined })),
  entry("oneOf", oneOf("left", "right"), fc.constantFrom("left" as const, "right" as const)),
  entry(
    "json",
    json(20_000, (value) => value),
    fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value))),
  ),
  entry(
    "record",
    row,
    fc.record({
      id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      name: fc.option(words, { nil: undefined }),
      tags: fc.array(fc.constantFrom("a" as const, "b" as const, "c" as const), { maxLength: 5 }),
    }),
  ),
];

function entry<T>(name: string, codec: Codec<T>, values: fc.Arbitrary<T>) {
  return [name, codec as unknown as Codec<never>, values] as [string, Codec<never>, fc.Arbitrary<unknown>];
}

describe.each(CODECS)("%s", (_name, codec, values) => {
  test("carries every value it is for", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect<unknown>(decoded(codec, encoded(codec, value as never))).toEqual(value);
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  test("refuses bytes that end early, wherever", () => {
    fc.assert(
      fc.property(values, fc.nat(), (value, seed) => {
        const whole = encoded(codec, value as never);
        const cut = whole.subarray(0, seed % whole.length);
        expect(kindOf(() => codec.read(new Reader(cut)))).toBe("protocol");
      }),
      { seed: 8, numRuns: 40 },
    );
  });
});

test.each<[string, Codec<never>, string]>([
  ["a text longer than its bound", text(2) as never, "03000000616263"],
  ["a text that claims 4 GiB", text(100) as never, "ffffffff"],
  ["text that is not UTF-8", text(100) as never, "02000000c328"],
  ["too many bytes", bytes(2) as never, "03000000010203"],
  ["too many floats", floats(0) as never, "0100000000000000"],
  ["a list longer than its bound", list(u8, 2) as never, "03000000010203"],
  ["a flag that is neither 0 nor 1", bool as never, "02"],
  ["a choice that does not exist", oneOf("a", "b") as never, "02"],
  ["a number past 2^53", u53 as never, "0000000000002000"],
  ["NaN where a number is due", finite as never, "000000000000f87f"],
  ["JSON that does not parse", json(100, (value) => value) as never, "010000007b"],
])("refuses %s", (_what, codec, hex) => {
  expect(kindOf(() => codec.read(new Reader(Buffer.from(hex, "hex"))))).toBe("protocol");
});

test("does not write what the other end would refuse", () => {
  const out = Buffer.alloc(100);
  expect(kindOf(() => text(2).write(out, 0, "abc"))).toBe("bug");
  expect(kindOf(() => bytes(2).write(out, 0, new Uint8Array(3)))).toBe("bug");
  expect(kindOf(() => floats(2).write(out, 0, new Float32Array(3)))).toBe("bug");
  expect(kindOf(() => list(u8, 2).write(out, 0, [1, 2, 3]))).toBe("bug");
});

test("floats that are read are aligned and independent of the message", () => {
  const source = Buffer.concat([Buffer.alloc(1), encoded(floats(3), Float32Array.of(1, 2, 3))]);
  const from = new Reader(source);
  from.at = 1;
  const values = floats(3).read(from);
  source.fill(0);
  expect(values).toEqual(Float32Array.of(1, 2, 3));
});

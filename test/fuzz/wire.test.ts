import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { AppError, errorKind } from "../../shared/base/errors.ts";
import { Random } from "../../shared/base/random.ts";
import type { MessageKind } from "../../shared/wire/message.ts";
import { envelope, MessageSplitter } from "../../shared/wire/split.ts";

/** Every kind of message that the program declares. */
const folder = join(import.meta.dir, "../../shared/wire/messages");
const modules = await Promise.all(readdirSync(folder).map((file) => import(join(folder, file))));
const KINDS = modules
  .flatMap((module) => Object.values(module as Record<string, unknown>))
  .filter(
    (value): value is MessageKind<unknown> => value instanceof Object && "tag" in value && "pack" in value,
  );

/** For each message; VIGIA_FUZZ raises it (`npm run bench:fuzz`). */
const TRIES = Number(process.env.VIGIA_FUZZ ?? 400);

/** Bytes after a tag that mostly look like small counts, lengths and text, so that they get far into a decoder. */
function plausible(random: Random, tag: number): Buffer {
  const body = Buffer.alloc(2 + random.below(200));
  body.writeUInt16LE(tag);
  for (let i = 2; i < body.length; i++) {
    const dice = random.unit();
    body[i] =
      dice < 0.6 ? 0 : dice < 0.8 ? random.below(8) : dice < 0.9 ? 97 + random.below(26) : random.below(256);
  }
  return body;
}

/** Flips, drops, doubles or overwrites some bytes. */
function mutated(random: Random, source: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(source);
  for (let i = 0; i <= random.below(4); i++) {
    const at = random.below(bytes.length);
    const kind = random.below(4);
    if (kind === 0) bytes[at]! ^= 1 << random.below(8);
    else if (kind === 1) bytes = bytes.subarray(0, Math.max(2, at));
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at >> 1)]);
    else bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
  }
  return bytes;
}

/** The value, or `undefined` when the bytes were refused; anything but a refusal fails the test. */
function decodeOrRefuse(kind: MessageKind<unknown>, bytes: Buffer): unknown {
  try {
    return kind.decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect(errorKind(error)).toBe("protocol");
    return undefined;
  }
}

test("there are messages to test", () => {
  expect(KINDS.length).toBeGreaterThan(20);
});

describe.each(KINDS.map((kind) => [kind.name, kind] as const))("%s", (name, kind) => {
  test("takes random bytes as a message or refuses them, and carries what it takes", () => {
    const random = new Random("fuzz", name);
    for (let i = 0; i < TRIES; i++) {
      const bytes = plausible(random, kind.tag);
      const value = decodeOrRefuse(kind, bytes);
      if (value === undefined) continue;
      const again = kind.encode(value);
      expect(kind.decode(again)).toEqual(value);
      decodeOrRefuse(kind, mutated(random, again));
    }
  });
});

test("a splitter fed random bytes yields messages within bounds or refuses", () => {
  const random = new Random("fuzz", "splitter");
  for (let round = 0; round < 300; round++) {
    const splitter = new MessageSplitter(64);
    let refused = false;
    for (let i = 0; i < 20 && !refused; i++) {
      const chunk = random.chance(0.5)
        ? envelope(Buffer.alloc(2 + random.below(62)))
        : mutated(random, Buffer.concat([envelope(Buffer.alloc(10)), envelope(Buffer.alloc(2))]));
      try {
        for (const body of splitter.push(chunk)) {
          expect(body.length).toBeGreaterThanOrEqual(2);
          expect(body.length).toBeLessThanOrEqual(64);
        }
      } catch (error) {
        expect(errorKind(error)).toBe("protocol");
        refused = true;
      }
    }
  }
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { envelope, MessageSplitter } from "../../../shared/wire/split.ts";

/** What a splitter yields for a stream that arrives in these chunks. */
function split(chunks: readonly Uint8Array[], sizeBytesMax = 1000): Buffer[] {
  const splitter = new MessageSplitter(sizeBytesMax);
  const bodies: Buffer[] = [];
  for (const chunk of chunks) {
    const reused = Uint8Array.from(chunk);
    bodies.push(...splitter.push(reused));
    reused.fill(0xee); // as a socket does with its buffer
  }
  expect(splitter.isEmpty).toBe(true);
  return bodies;
}

const bodies = [Buffer.from("ab"), Buffer.from("a longer message"), Buffer.alloc(300, 7)];
const stream = Buffer.concat(bodies.map(envelope));

test("messages come out whole wherever TCP splits the stream in two", () => {
  for (let at = 0; at <= stream.length; at++) {
    expect(split([stream.subarray(0, at), stream.subarray(at)])).toEqual(bodies);
  }
});

test("messages come out whole byte by byte", () => {
  expect(split([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(bodies);
});

test("messages come out whole and in order for any messages and any chunks", () => {
  const message = fc.uint8Array({ minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (sent, sizes) => {
        const whole = Buffer.concat(sent.map(envelope));
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes.length === 0 ? whole.length : sizes[i % sizes.length]!;
          chunks.push(whole.subarray(at, at + size));
          at += size;
        }
        expect(split(chunks)).toEqual(sent.map((body) => Buffer.from(body)));
      },
    ),
    { seed: 1 },
  );
});

test.each([0, 1, 1001, 2 ** 32 - 1])(
  "a size of %i is refused with its fourth byte, before the message",
  (size) => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(size);
    const splitter = new MessageSplitter(1000);
    expect([...splitter.push(prefix.subarray(0, 3))]).toEqual([]);
    expect(() => [...splitter.push(prefix.subarray(3))]).toThrow(`message of ${size} B`);
  },
);

test("the limit may grow between two messages of one chunk", () => {
  const splitter = new MessageSplitter(10);
  const large = Buffer.alloc(500, 1);
  const arrived: Buffer[] = [];
  for (const body of splitter.push(Buffer.concat([envelope(Buffer.from("ok")), envelope(large)]))) {
    arrived.push(body);
    splitter.sizeBytesMax = 1000;
  }
  expect(arrived).toEqual([Buffer.from("ok"), large]);
});

test("a stream that stops inside a message is not at its end", () => {
  for (let at = 1; at < envelope(bodies[0]!).length; at++) {
    const splitter = new MessageSplitter(1000);
    expect([...splitter.push(stream.subarray(0, at))]).toEqual([]);
    expect(splitter.isEmpty).toBe(false);
  }
});

import { AppError, type ErrorKind } from "../../shared/base/errors.ts";
import { Random } from "../../shared/base/random.ts";

/** A reader of bytes that strangers send. All that a run does comes of its input, so that a file replays it. */
export interface FuzzTarget {
  /** Names the folder of its corpus too. */
  readonly name: string;
  /** Runs of it for each input that was asked for: more where it stands for many readers, fewer where each takes long. */
  readonly share?: number;
  /** The kind of its refusals. */
  readonly refuses: ErrorKind;
  make(random: Random): Buffer;
  /** Reads the input and says in a word or two how that ended. Anything thrown but a refusal is a fault. */
  run(input: Buffer): string | Promise<string>;
}

/** The input of a number: the same on every machine. */
export function inputOf(target: FuzzTarget, seed: number): Buffer {
  return target.make(new Random(target.name, seed));
}

/**
 * Runs one input: how it ended, refusals by their words.
 *
 * @throws whatever is neither a value nor a refusal
 */
export async function endOf(target: FuzzTarget, input: Buffer): Promise<string> {
  try {
    const end = target.run(input);
    return typeof end === "string" ? end : await end;
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== target.refuses) throw error;
    return `refused: ${error.message.replace(/".*"/s, '"…"').replace(/\d+/g, "n").slice(0, 80)}`;
  }
}

/** Numbers that upset whoever counts with them. */
const NUMBERS = ["0", "1", "-1", "65535", "65536", "4294967296", "99999999999999999999", "1e9", "0x7f", ""];
const BYTES = [0, 1, 0x7f, 0x80, 0xff];
const INPUT_SIZE_BYTES_MAX = 20_000;
const NOISE_SHARE = 0.05;

/** A sound input with some of its bytes changed, taken out, doubled or cut off, or another number in it; or noise. */
export function mutated(random: Random, seeds: readonly Buffer[]): Buffer {
  if (random.chance(NOISE_SHARE)) return noise(random, 200);
  let data: Buffer = Buffer.from(random.pick(seeds));
  for (let changes = 1 + random.below(6); changes > 0; changes--) data = changed(random, data, seeds);
  return data.subarray(0, INPUT_SIZE_BYTES_MAX);
}

export function noise(random: Random, sizeMax: number): Buffer {
  const data = Buffer.allocUnsafe(random.below(sizeMax));
  for (let i = 0; i < data.length; i++) data[i] = random.below(256);
  return data;
}

function changed(random: Random, data: Buffer, seeds: readonly Buffer[]): Buffer {
  const at = random.below(data.length + 1);
  const [before, after] = [data.subarray(0, at), data.subarray(at)];
  const byte = Math.min(at, data.length - 1);
  switch (random.below(7)) {
    case 0:
      if (data.length > 0) data[byte] = random.below(256);
      return data;
    case 1:
      if (data.length > 0) data[byte] = random.pick(BYTES);
      return data;
    case 2:
      return before;
    case 3:
      return Buffer.concat([before, after.subarray(1 + random.below(8))]);
    case 4:
      return Buffer.concat([before, data.subarray(Math.max(0, at - 1 - random.below(40)))]);
    case 5:
      return Buffer.concat([before, random.pick(seeds)]);
    default:
      return withAnotherNumber(random, data, at);
  }
}

/** The first number in digits from `at` on becomes another one. */
function withAnotherNumber(random: Random, data: Buffer, at: number): Buffer {
  const isDigit = (place: number) => data[place]! >= 0x30 && data[place]! <= 0x39;
  let start = at;
  while (start < data.length && !isDigit(start)) start++;
  let end = start;
  while (end < data.length && isDigit(end)) end++;
  if (start === end) return data;
  return Buffer.concat([data.subarray(0, start), Buffer.from(random.pick(NUMBERS)), data.subarray(end)]);
}

const LENGTH_BYTES = 2;

/** Several parts as one input: each with its length before it. */
export function joinParts(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt16LE(part.length);
      return [length, part];
    }),
  );
}

export function partsOf(input: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at + LENGTH_BYTES <= input.length; ) {
    const end = at + LENGTH_BYTES + input.readUInt16LE(at);
    parts.push(input.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return parts;
}

/** The input in chunks, as a socket may give it: always the same ones for the same input. */
export function* chunksOf(input: Buffer, sizeMax: number): Generator<Buffer> {
  const random = new Random(Number(BigInt.asUintN(32, BigInt(Bun.hash(input)))));
  for (let at = 0; at < input.length; ) {
    const size = 1 + random.below(sizeMax);
    yield input.subarray(at, at + size);
    at += size;
  }
}

/** A claim about what came out. Its failure is a fault of the reader, whatever the input was. */
export function claim(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(`not so: ${what}`);
}

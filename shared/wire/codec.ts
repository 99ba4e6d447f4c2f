import { AppError } from "../base/errors.ts";

/**
 * How one value occupies bytes, little-endian. `size` is exact, so a message is one allocation. `read` checks every
 * bound before it takes anything, and throws `AppError` of kind `protocol`.
 */
export interface Codec<T> {
  size(value: T): number;
  /** Writes at `at`; returns the offset after it. */
  write(out: Buffer, at: number, value: T): number;
  read(from: Reader): T;
}

/** A cursor over one message's bytes. */
export class Reader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The offset of the next `count` bytes, which are then behind the cursor. */
  skip(count: number): number {
    const start = this.at;
    if (start + count > this.bytes.length) {
      throw new AppError("protocol", `message ends at byte ${this.bytes.length}, ${start + count} needed`);
    }
    this.at = start + count;
    return start;
  }
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

export const u8: Codec<number> = {
  size: () => 1,
  write: (out, at, value) => out.writeUInt8(value, at),
  read: (from) => from.bytes.readUInt8(from.skip(1)),
};
export const u16: Codec<number> = {
  size: () => 2,
  write: (out, at, value) => out.writeUInt16LE(value, at),
  read: (from) => from.bytes.readUInt16LE(from.skip(2)),
};
export const u32: Codec<number> = {
  size: () => 4,
  write: (out, at, value) => out.writeUInt32LE(value, at),
  read: (from) => from.bytes.readUInt32LE(from.skip(4)),
};
/** A whole number up to 2^53 - 1: sizes, and times in milliseconds since 1970. */
export const u53: Codec<number> = {
  size: () => 8,
  write: (out, at, value) => out.writeBigUInt64LE(BigInt(value), at),
  read: (from) => {
    const value = from.bytes.readBigUInt64LE(from.skip(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new AppError("protocol", `number ${value} is too large`);
    return Number(value);
  },
};
/** Any float64; NaN and infinities pass, and whoever uses the value decides. */
export const f64: Codec<number> = {
  size: () => 8,
  write: (out, at, value) => out.writeDoubleLE(value, at),
  read: (from) => from.bytes.readDoubleLE(from.skip(8)),
};
/** A float64 that must be finite. */
export const finite: Codec<number> = {
  ...f64,
  read: (from) => {
    const value = f64.read(from);
    if (!Number.isFinite(value)) throw new AppError("protocol", `number ${value} is not finite`);
    return value;
  },
};
export const bool: Codec<boolean> = {
  size: () => 1,
  write: (out, at, value) => out.writeUInt8(value ? 1 : 0, at),
  read: (from) => {
    const value = u8.read(from);
    if (value > 1) throw new AppError("protocol", `flag of ${value}, expected 0 or 1`);
    return value === 1;
  },
};

/** UTF-8 text of at most `maxBytes`: u32 length, then the bytes. Malformed UTF-8 is refused. */
export function text(maxBytes: number): Codec<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return {
    size: (value) => 4 + Buffer.byteLength(value),
    write(out, at, value) {
      const length = out.write(value, at + 4);
      if (length > maxBytes) throw new AppError("bug", `text of ${length} B exceeds its ${maxBytes} B`);
      out.writeUInt32LE(length, at);
      return at + 4 + length;
    },
    read(from) {
      const length = boundedLength(from, maxBytes, "text", "B");
      const start = from.skip(length);
      try {
        return decoder.decode(from.bytes.subarray(start, start + length));
      } catch (cause) {
        throw new AppError("protocol", "text is not UTF-8", { cause });
      }
    },
  };
}

/** At most `maxBytes` of anything: u32 length, then the bytes. What is read is a view of the message. */
export function bytes(maxBytes: number): Codec<Uint8Array> {
  return {
    size: (value) => 4 + value.length,
    write(out, at, value) {
      if (value.length > maxBytes) throw new AppError("bug", `${value.length} B exceed their ${maxBytes} B`);
      out.writeUInt32LE(value.length, at);
      out.set(value, at + 4);
      return at + 4 + value.length;
    },
    read(from) {
      const length = boundedLength(from, maxBytes, "byte string", "B");
      const start = from.skip(length);
      return from.bytes.subarray(start, start + length);
    },
  };
}

/** At most `maxCount` float32: u32 count, then the numbers. What is read is a copy, aligned. */
export function floats(maxCount: number): Codec<Float32Array> {
  return {
    size: (value) => 4 + 4 * value.length,
    write(out, at, value) {
      if (value.length > maxCount)
        throw new AppError("bug", `${value.length} floats exceed their ${maxCount}`);
      out.writeUInt32LE(value.length, at);
      out.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at + 4);
      return at + 4 + value.byteLength;
    },
    read(from) {
      const count = boundedLength(from, maxCount, "list", "floats");
      const start = from.skip(4 * count);
      const values = new Float32Array(count);
      new Uint8Array(values.buffer).set(from.bytes.subarray(start, start + 4 * count));
      return values;
    },
  };
}

/** At most `maxCount` values of one kind: u32 count, then each. */
export function list<T>(item: Codec<T>, maxCount: number): Codec<T[]> {
  return {
    size: (values) => values.reduce((sum, value) => sum + item.size(value), 4),
    write(out, at, values) {
      if (values.length > maxCount)
        throw new AppError("bug", `${values.length} items exceed their ${maxCount}`);
      let next = out.writeUInt32LE(values.length, at);
      for (const value of values) next = item.write(out, next, value);
      return next;
    },
    read(from) {
      const count = boundedLength(from, maxCount, "list", "items");
      return Array.from({ length: count }, () => item.read(from));
    },
  };
}

/** A value or nothing: one flag byte, then the value. */
export function optional<T>(item: Codec<T>): Codec<T | undefined> {
  return {
    size: (value) => (value === undefined ? 1 : 1 + item.size(value)),
    write: (out, at, value) =>
      value === undefined ? out.writeUInt8(0, at) : item.write(out, out.writeUInt8(1, at), value),
    read: (from) => (bool.read(from) ? item.read(from) : undefined),
  };
}

/** One word of a fixed set, as its place in the list. */
export function oneOf<const W extends string>(...words: readonly W[]): Codec<W> {
  return {
    size: () => 1,
    write: (out, at, value) => out.writeUInt8(words.indexOf(value), at),
    read: (from) => {
      const place = u8.read(from);
      const word = words[place];
      if (word === undefined) throw new AppError("protocol", `choice ${place} of ${words.length}`);
      return word;
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: each field has its own type, which RecordOf recovers
export type Fields = Record<string, Codec<any>>;
export type RecordOf<F extends Fields> = { [K in keyof F]: ValueOf<F[K]> };

/** Named values, each by its codec, in the order declared. */
export function record<F extends Fields>(fields: F): Codec<RecordOf<F>> {
  const entries = Object.entries(fields);
  return {
    size: (value) => entries.reduce((sum, [key, codec]) => sum + codec.size(value[key]), 0),
    write: (out, at, value) => entries.reduce((next, [key, codec]) => codec.write(out, next, value[key]), at),
    read: (from) => Object.fromEntries(entries.map(([key, codec]) => [key, codec.read(from)])) as RecordOf<F>,
  };
}

/**
 * A JSON value in at most `maxBytes` of text, checked by `check`, which throws or returns the typed value. For rich
 * records that change with the program (training options, metrics), not for anything sent often.
 */
export function json<T>(maxBytes: number, check: (value: unknown) => T): Codec<T> {
  const inner = text(maxBytes);
  return {
    size: (value) => inner.size(JSON.stringify(value)),
    write: (out, at, value) => inner.write(out, at, JSON.stringify(value)),
    read(from) {
      const source = inner.read(from);
      let value: unknown;
      try {
        value = JSON.parse(source);
      } catch (cause) {
        throw new AppError("protocol", "a JSON field does not parse", { cause });
      }
      return check(value);
    },
  };
}

function boundedLength(from: Reader, max: number, what: string, unit: string): number {
  const length = u32.read(from);
  if (length > max) throw new AppError("protocol", `${what} of ${length} ${unit} exceeds ${max}`);
  return length;
}

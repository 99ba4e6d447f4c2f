import { AppError } from "../../base/errors.ts";

/** The wire types of Protocol Buffers that ONNX uses (protobuf.dev/programming-guides/encoding). */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextEncoder();

/** Writes one Protocol Buffers message, field by field. Byte strings are kept by reference until `finish`. */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /** A whole number, negative ones as 64-bit two's complement. */
  whole(field: number, value: number | bigint): this {
    this.#tag(field, WireType.varint);
    this.#varint(BigInt(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, WireType.fixed32);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, WireType.bytes);
    this.#varint(BigInt(value.length));
    return this.#push(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, inner: ProtoWriter): this {
    this.#tag(field, WireType.bytes);
    this.#varint(BigInt(inner.#size));
    for (const part of inner.#parts) this.#push(part);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #tag(field: number, type: number): void {
    this.#varint(BigInt(field * 8 + type));
  }

  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    do {
      const low = Number(rest & 127n);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 128);
    } while (rest !== 0n);
    this.#push(Uint8Array.from(bytes));
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#size += part.length;
    return this;
  }
}

/** One field as it was read. `value` is the number of a varint or fixed field, or the bytes (a view, no copy). */
export type ProtoField =
  | { readonly number: number; readonly type: "whole"; readonly value: bigint }
  | { readonly number: number; readonly type: "bytes"; readonly value: Uint8Array };

/** The fields of a message, in their order. Throws `input` where the bytes end early or are no such message. */
export function* protoFields(bytes: Uint8Array): Generator<ProtoField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw damaged("it ends early");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw damaged("a number has no end");
  };
  const need = (size: number): void => {
    if (size > bytes.length - at) throw damaged("it ends early");
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (number === 0) throw damaged("a field has no number");
    if (type === WireType.varint) {
      yield { number, type: "whole", value: varint() };
    } else if (type === WireType.bytes) {
      const size = Number(varint());
      need(size);
      yield { number, type: "bytes", value: bytes.subarray(at, at + size) };
      at += size;
    } else if (type === WireType.fixed32) {
      need(4);
      yield { number, type: "whole", value: BigInt(view.getUint32(at, true)) };
      at += 4;
    } else if (type === WireType.fixed64) {
      need(8);
      yield { number, type: "whole", value: view.getBigUint64(at, true) };
      at += 8;
    } else {
      throw damaged(`a field has wire type ${type}`);
    }
  }
}

function damaged(why: string): AppError {
  return new AppError("input", `not an ONNX model: ${why}`);
}

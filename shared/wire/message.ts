import { AppError } from "../base/errors.ts";
import { type Fields, Reader, type RecordOf, record } from "./codec.ts";
import { ENVELOPE_BYTES } from "./split.ts";

const TAG_BYTES = 2;

/**
 * A kind of message, declared once: its tag on the wire, its name for people and its fields.
 * On the wire: u16 tag, then the fields in order.
 */
export interface MessageKind<T> {
  readonly tag: number;
  readonly name: string;
  encode(value: T): Buffer;
  /** The message with its envelope, ready to send, in one allocation. */
  pack(value: T): Buffer;
  /** @param body the whole message, tag included. Throws `protocol` unless every byte is accounted for. */
  decode(body: Buffer): T;
}

/** What a message of this kind carries. */
export type MessageOf<K> = K extends MessageKind<infer T> ? T : never;

const declared = new Map<number, string>();

/** The name that belongs to a tag, for errors. */
export function messageName(tag: number): string {
  return declared.get(tag) ?? `tag ${tag}`;
}

/** The tag of a message. */
export function messageTag(body: Buffer): number {
  if (body.length < TAG_BYTES) throw new AppError("protocol", `message of ${body.length} B has no tag`);
  return body.readUInt16LE(0);
}

export function defineMessage<F extends Fields>(
  tag: number,
  name: string,
  fields: F,
): MessageKind<RecordOf<F>> {
  if (declared.has(tag)) throw new AppError("bug", `tag ${tag} is ${declared.get(tag)} and ${name}`);
  declared.set(tag, name);
  const body = record(fields);
  const pack = (value: RecordOf<F>): Buffer => {
    const size = TAG_BYTES + body.size(value);
    const out = Buffer.allocUnsafe(ENVELOPE_BYTES + size);
    body.write(out, out.writeUInt16LE(tag, out.writeUInt32LE(size, 0)), value);
    return out;
  };
  return {
    tag,
    name,
    pack,
    encode: (value) => pack(value).subarray(ENVELOPE_BYTES),
    decode(bytes) {
      if (messageTag(bytes) !== tag) {
        throw new AppError("protocol", `${messageName(messageTag(bytes))} came, ${name} expected`);
      }
      const from = new Reader(bytes);
      from.at = TAG_BYTES;
      try {
        const value = body.read(from);
        if (from.at !== bytes.length) throw new AppError("protocol", `${bytes.length - from.at} B left over`);
        return value;
      } catch (cause) {
        throw new AppError("protocol", `malformed ${name}`, { cause });
      }
    },
  };
}

/** Runs the handler that belongs to a message; a kind nobody handles ends the link. */
export class Dispatch {
  readonly #handlers = new Map<number, (body: Buffer) => void | Promise<void>>();

  /** Adds a handler and returns this, so that a role lists what it answers in one place. */
  on<T>(kind: MessageKind<T>, handle: (value: T) => void | Promise<void>): this {
    this.#handlers.set(kind.tag, (body) => handle(kind.decode(body)));
    return this;
  }

  async run(body: Buffer): Promise<void> {
    const handler = this.#handlers.get(messageTag(body));
    if (handler === undefined) {
      throw new AppError("protocol", `${messageName(messageTag(body))} is not expected here`);
    }
    await handler(body);
  }
}

import { AppError } from "../base/errors.ts";

/** Header fields: names in small letters, values in order of appearance (a field may come several times). */
export class Headers {
  readonly #fields = new Map<string, string[]>();

  add(name: string, value: string): this {
    const key = name.toLowerCase();
    const values = this.#fields.get(key);
    if (values === undefined) this.#fields.set(key, [value]);
    else values.push(value);
    return this;
  }

  /** Text that goes on with a field's last value. */
  extend(name: string, more: string): void {
    const values = this.#fields.get(name.toLowerCase());
    if (values !== undefined) values.push(`${values.pop()} ${more}`.trim());
  }

  /** The first value. */
  get(name: string): string | undefined {
    return this.#fields.get(name.toLowerCase())?.[0];
  }

  all(name: string): readonly string[] {
    return this.#fields.get(name.toLowerCase()) ?? [];
  }
}

export interface RtspRequest {
  readonly kind: "request";
  readonly method: string;
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface RtspResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** The lines before an empty line, as a message without its body. RFC 2326 section 4; lines may end in LF alone. */
export function parseHead(text: string): RtspRequest | RtspResponse {
  const lines = text.split(/\r?\n/);
  const headers = new Headers();
  let last: string | undefined;
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const goesOn = /^[ \t]/.test(line);
    if (goesOn || colon < 1) {
      if (last === undefined && line.trim() !== "") throw malformed(line);
      // A line that begins with a space goes on with the one before (RFC 2068 section 4.2); others say nothing.
      if (goesOn && last !== undefined) headers.extend(last, line.trim());
      continue;
    }
    last = line.slice(0, colon).trim();
    headers.add(last, line.slice(colon + 1).trim());
  }
  const first = lines[0] ?? "";
  const status = /^RTSP\/\d\.\d\s+(\d{3})\s*(.*)$/i.exec(first);
  const body = Buffer.alloc(0);
  if (status !== null) {
    return { kind: "response", status: Number(status[1]), reason: status[2]!.trim(), headers, body };
  }
  const request = /^([A-Z_]{3,20})\s+(\S+)\s+RTSP\/\d\.\d\s*$/.exec(first);
  if (request === null) throw malformed(first);
  return { kind: "request", method: request[1]!, uri: request[2]!, headers, body };
}

/** A request or answer as bytes. Field names keep their letters: some cameras want `CSeq` written just so. */
export function formatMessage(
  first: string,
  fields: readonly (readonly [name: string, value: string | number])[],
  body = "",
): Buffer {
  const length = Buffer.byteLength(body);
  const all = length === 0 ? fields : [...fields, ["Content-Length", length] as const];
  // A line end inside a value would begin another field.
  const lines = all.map(([name, value]) => `${name}: ${String(value).replace(/[\r\n]+/g, " ")}\r\n`);
  return Buffer.from(`${first.replace(/[\r\n]+/g, " ")}\r\n${lines.join("")}\r\n${body}`);
}

export const STATUS_WORDS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  453: "Not Enough Bandwidth",
  454: "Session Not Found",
  455: "Method Not Valid in This State",
  461: "Unsupported Transport",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

function malformed(line: string): AppError {
  return new AppError("protocol", `not an RTSP message: ${JSON.stringify(line.slice(0, 80))}`);
}

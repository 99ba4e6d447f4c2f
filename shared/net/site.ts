import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { AppError } from "../base/errors.ts";
import { NAME_LENGTH_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type Certificate, selfSignedCertificate } from "./certificate.ts";
import { keyFilePath, keyFromFile } from "./key-file.ts";
import { formatToken, parseToken } from "./token.ts";

/** The site as one process sees it: the key that its machines share, and who this process is. */
export interface Site {
  /** Random, 16 hex digits, new at every start. */
  readonly nodeId: string;
  /** For people. */
  readonly name: string;
  /** The site key in the form that joins another machine. A secret: for the user's terminal, not for logs. */
  readonly token: string;
  /** Made when first asked for, the same for the whole process. */
  certificate(): Certificate;
  /** HMAC-SHA256 with the site key. Each purpose has a key of its own, and each part is told from the next. */
  mac(purpose: string, parts: readonly Uint8Array[]): Buffer;
}

/**
 * Opens the site: its key from `token`, else from `VIGIA_TOKEN`, else from the user's key file, which is made when
 * there is none. Throws `usage` for a malformed token, `refused` for a key file that others can read.
 */
export async function openSite(options: {
  token?: string | undefined;
  name?: string | undefined;
  log: Log;
}): Promise<Site> {
  const key = await siteKey(options.token ?? process.env.VIGIA_TOKEN, options.log);
  const name = options.name ?? hostname();
  if (Buffer.byteLength(name) > NAME_LENGTH_MAX) {
    throw new AppError("usage", `the name of this node is longer than ${NAME_LENGTH_MAX} bytes`);
  }
  return siteOf(key, name);
}

/** The site of a known key. */
export function siteOf(key: Uint8Array, name: string): Site {
  const keys = new Map<string, Buffer>();
  let certificate: Certificate | undefined;
  return {
    nodeId: randomBytes(8).toString("hex"),
    name,
    token: formatToken(key),
    certificate() {
      certificate ??= selfSignedCertificate();
      return certificate;
    },
    mac(purpose, parts) {
      let derived = keys.get(purpose);
      if (derived === undefined) {
        derived = Buffer.from(hkdfSync("sha256", key, "vigia", purpose, 32));
        keys.set(purpose, derived);
      }
      const mac = createHmac("sha256", derived);
      for (const part of parts) {
        const size = Buffer.alloc(4);
        size.writeUInt32LE(part.length);
        mac.update(size).update(part);
      }
      return mac.digest();
    },
  };
}

async function siteKey(token: string | undefined, log: Log): Promise<Buffer> {
  if (token !== undefined && token !== "") return parseToken(token);
  return await keyFromFile(keyFilePath(), log);
}

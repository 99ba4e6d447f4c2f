import { createHash, randomBytes } from "node:crypto";
import { AppError } from "../base/errors.ts";

/*
 * The site key as people copy it: 128 random bits and 22 bits of checksum, as 30 characters of Crockford's base32
 * (no i, l, o or u) in six groups: `4g9xk-2m7qp-...`. Case and dashes do not matter; o reads as 0, i and l as 1.
 */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const KEY_BYTES = 16;
const CHECK_BITS = 22n;
const CHARACTERS = 30;
const GROUP = 5;

/** A new site key. */
export function newKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** A new site key in its text form. */
export function newToken(): string {
  return formatToken(newKey());
}

export function formatToken(key: Uint8Array): string {
  let rest = (BigInt(`0x${Buffer.from(key).toString("hex")}`) << CHECK_BITS) | checksum(key);
  let text = "";
  for (let i = 0; i < CHARACTERS; i++) {
    text = ALPHABET[Number(rest & 31n)]! + text;
    rest >>= 5n;
  }
  return text.replace(new RegExp(`.{${GROUP}}(?=.)`, "g"), "$&-");
}

/** The key of a token. Throws `usage` that tells a wrong length, a wrong character and a typing error apart. */
export function parseToken(text: string): Buffer {
  const plain = text.toLowerCase().replace(/[\s-]/g, "").replaceAll("o", "0").replace(/[il]/g, "1");
  const wrong = [...plain].find((character) => !ALPHABET.includes(character));
  if (wrong !== undefined) throw tokenError(`a token has no ${JSON.stringify(wrong)} in it`);
  if (plain.length !== CHARACTERS) {
    throw tokenError(`the token has ${plain.length} letters and digits, and should have ${CHARACTERS}`);
  }
  let value = 0n;
  for (const character of plain) value = (value << 5n) | BigInt(ALPHABET.indexOf(character));
  const key = Buffer.from((value >> CHECK_BITS).toString(16).padStart(2 * KEY_BYTES, "0"), "hex");
  if ((value & ((1n << CHECK_BITS) - 1n)) !== checksum(key)) {
    throw tokenError("the token has a typing error in it");
  }
  return key;
}

function checksum(key: Uint8Array): bigint {
  const digest = createHash("sha256").update("vigia token").update(key).digest();
  return BigInt(digest.readUIntBE(0, 3)) >> (24n - CHECK_BITS);
}

function tokenError(message: string): AppError {
  return new AppError("usage", message, {
    hint: "copy it whole, as `vigia token` shows it on the trainer's machine",
  });
}

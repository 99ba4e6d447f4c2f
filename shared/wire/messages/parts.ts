import { AppError } from "../../base/errors.ts";
import { FAILURE_KINDS, type ToldFailure } from "../../base/failure.ts";
import {
  CLASS_COUNT_MAX,
  NAME_LENGTH_MAX,
  PATH_LENGTH_MAX,
  PIECE_SIZE_BYTES_MAX,
  TEXT_LENGTH_MAX,
} from "../../base/limits.ts";
import type { Box } from "../../detect/types.ts";
import { bytes, type Codec, finite, json, list, oneOf, record, text } from "../codec.ts";

/** Fields that several messages share. */

export const name = text(NAME_LENGTH_MAX);
export const path = text(PATH_LENGTH_MAX);
export const words = text(TEXT_LENGTH_MAX);
export const piece = bytes(PIECE_SIZE_BYTES_MAX);
export const classNames = list(name, CLASS_COUNT_MAX);

/** What went wrong, for whoever shows it in words of a language. */
export const failure: Codec<ToldFailure> = record({
  kind: oneOf(...FAILURE_KINDS, "other"),
  about: name,
  text: words,
});

/** Four float64: left, top, right, bottom in pixels. */
export const box: Codec<Box> = {
  size: () => 32,
  write: (out, at, value) => value.reduce((next, side) => finite.write(out, next, side), at),
  read: (from) => [finite.read(from), finite.read(from), finite.read(from), finite.read(from)],
};

/** A JSON object of whatever fields: whoever uses them checks them. */
export const jsonObject = (maxBytes: number): Codec<Readonly<Record<string, unknown>>> =>
  json(maxBytes, (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new AppError("protocol", "a JSON field is no object");
    }
    return value as Readonly<Record<string, unknown>>;
  });

import { PIECE_SIZE_BYTES_MAX } from "../base/limits.ts";
import type { Connection } from "../net/connection.ts";
import { StatePiece } from "../wire/messages/training.ts";

/** Numbers in a message. */
const PIECE_FLOATS = PIECE_SIZE_BYTES_MAX / 4;

/** The parts that a vector travels in, each with the place of its first number; views of it. */
export function* piecesOf(
  values: Float32Array,
  pieceFloats = PIECE_FLOATS,
): Generator<{ readonly at: number; readonly part: Float32Array }> {
  for (let at = 0; at < values.length; at += pieceFloats) {
    yield { at, part: values.subarray(at, at + pieceFloats) };
  }
}

/**
 * Sends a part of a training's state, no faster than the peer takes it.
 *
 * @param place whose it is: the generation, the vector, and the place in it of the first of `values`
 * @param isCurrent whether it is still wanted; otherwise no more of it is sent
 */
export async function sendState(
  link: Connection,
  { generation, vector, offset }: { generation: number; vector: number; offset: number },
  values: Float32Array,
  isCurrent: () => boolean,
): Promise<void> {
  for (const { at, part } of piecesOf(values)) {
    if (!isCurrent()) return;
    await link.send(StatePiece, { generation, vector, offset: offset + at, values: part });
  }
}

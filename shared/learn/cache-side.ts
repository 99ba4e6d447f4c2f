import { AppError } from "../base/errors.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { FACE_HEIGHT } from "../nn/networks/mlp.ts";

/** More pictures than this do not fit beside a network on the machines that this program is for. */
export const PICTURE_PACK_BYTES_MAX = 2 ** 31;
/** A picture is kept at full and at half size, three bytes a pixel. */
const BYTES_A_PIXEL = 3 * 1.25;
/** Pictures that join the training late, and rounding, are not counted by who plans. */
const SPARE = 0.97;
/** A network's input and what is kept: a quarter larger, so that pictures scaled up keep some sharpness. */
const CACHE_SHARE = 1.25;
/** Smaller than this share of the input, pictures show too little to be learnt from. */
const CACHE_SHARE_MIN = 0.5;

/** The longest side at which so many pictures fit into memory, were they all square. */
function fittingSidePx(pictures: number): number {
  return Math.floor(Math.sqrt((SPARE * PICTURE_PACK_BYTES_MAX) / (BYTES_A_PIXEL * pictures)));
}

/**
 * The longest side of the pictures that are kept in memory: as sharp as training can use, or less where there are more
 * than about 3,500 of them at an input of 320 px. Throws `input` where they would be of no use that small.
 *
 * @param pictures to learn from
 */
export function cacheSidePx(network: NetworkConfig, pictures: number): number {
  const inputPx = network.kind === "mlp" ? FACE_HEIGHT : network.size;
  const wantedPx = network.kind === "mlp" ? 2 * FACE_HEIGHT : Math.round(CACHE_SHARE * network.size);
  const sidePx = Math.min(wantedPx, fittingSidePx(pictures));
  if (sidePx >= CACHE_SHARE_MIN * inputPx) return sidePx;
  throw new AppError("input", `${pictures} pictures do not fit into memory at ${inputPx} px`, {
    hint: "train with fewer pictures, or a smaller --size",
  });
}

/** The largest input for which so many pictures can be kept as sharp as it can use. */
export function sharpInputPx(pictures: number): number {
  return fittingSidePx(pictures) / CACHE_SHARE;
}

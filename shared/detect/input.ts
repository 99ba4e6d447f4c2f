import { letterbox, resizeBilinear } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { FACE_HEIGHT, FACE_WIDTH } from "../nn/networks/mlp.ts";
import type { PictureView } from "./decode.ts";

/** Bytes of one picture at a network's input. */
export function inputBytes(network: NetworkConfig): number {
  return network.kind === "mlp" ? FACE_WIDTH * FACE_HEIGHT : 3 * network.size * network.size;
}

/**
 * Brings a picture into the form that a network sees: letterboxed, or for faces stretched and grey.
 *
 * @param into [height, width, channels] of the input, overwritten
 */
export function writeInput(network: NetworkConfig, picture: Picture, into: Uint8Array): PictureView {
  const { width, height } = picture;
  if (network.kind === "mlp") {
    greyInto(resizeBilinear(picture, FACE_WIDTH, FACE_HEIGHT).data, into);
    return { width, height, scale: 1, offsetX: 0, offsetY: 0 };
  }
  const { data, ...view } = letterbox(picture, network.size);
  into.set(data);
  return { width, height, ...view };
}

/** RGB to grey: the luma of BT.601, in 256ths. */
export function greyInto(rgb: ArrayLike<number>, grey: Uint8Array | Uint8ClampedArray): void {
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) {
    grey[i] = (77 * rgb[from]! + 150 * rgb[from + 1]! + 29 * rgb[from + 2]! + 128) >> 8;
  }
}

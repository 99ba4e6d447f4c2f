import type { OnnxBuilder } from "./builder.ts";

/** The input of every graph that an engine computes. Model files have one of their own, of float32 planes. */
export const PICTURES_INPUT = "pictures";

/** Declares it: pictures as they are held, uint8 [batch, height, width, channels]. @returns its name */
export function pictureInput(
  b: OnnxBuilder,
  { channels, height, width }: { readonly channels: number; readonly height: number; readonly width: number },
  batch: number | string,
): string {
  return b.input(PICTURES_INPUT, [batch, height, width, channels], "uint8");
}

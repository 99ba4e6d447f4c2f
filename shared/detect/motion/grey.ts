/** A small grey picture: [height, width], 0 to 255, rows top to bottom. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
}

/** Width that motion is looked for at: enough to see a person fill a hundredth of the picture. */
export const MOTION_WIDTH_PX = 160;

/** The picture made smaller by averaging, to at most `MOTION_WIDTH_PX` a side; one that is small comes back as it is. */
export function forMotion(source: GreyPicture): GreyPicture {
  const longest = Math.max(source.width, source.height);
  if (longest <= MOTION_WIDTH_PX) return source;
  const width = Math.max(1, Math.round((source.width * MOTION_WIDTH_PX) / longest));
  const height = Math.max(1, Math.round((source.height * MOTION_WIDTH_PX) / longest));
  const grey = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const top = Math.floor((y * source.height) / height);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * source.height) / height));
    for (let x = 0; x < width; x++) {
      const left = Math.floor((x * source.width) / width);
      const right = Math.max(left + 1, Math.floor(((x + 1) * source.width) / width));
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        for (let at = row * source.width + left; at < row * source.width + right; at++) {
          sum += source.grey[at]!;
        }
      }
      grey[y * width + x] = sum / ((bottom - top) * (right - left)) + 0.5;
    }
  }
  return { width, height, grey };
}

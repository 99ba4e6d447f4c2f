import { Random } from "../../shared/base/random.ts";
import type { PreparedPicture } from "../../shared/dataset/prepared.ts";

/** Colours of the classes that `blockPictures` draws. */
const COLOURS = [
  [230, 60, 40],
  [40, 200, 70],
  [60, 80, 230],
] as const;

/** The easiest pictures there are: blocks of one colour a class on noise, for tests that need something to learn. */
export function blockPictures(
  count: number,
  classCount: number,
  sidePx: number,
  seed = 1,
): PreparedPicture[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed, "block", i);
    const width = sidePx;
    const height = Math.round(0.75 * sidePx);
    const data = Uint8Array.from({ length: 3 * width * height }, () => 90 + random.below(40));
    const classIndex = i % classCount;
    const w = Math.round(random.between(0.25, 0.5) * width);
    const h = Math.round(random.between(0.25, 0.5) * width);
    const left = random.below(width - w);
    const top = random.below(height - h);
    for (let y = top; y < top + h; y++) {
      for (let x = left; x < left + w; x++) data.set(COLOURS[classIndex]!, 3 * (y * width + x));
    }
    const box = [left / width, top / height, (left + w) / width, (top + h) / height] as const;
    return {
      id: `block-${i}`,
      picture: { width, height, data },
      originalWidth: width,
      originalHeight: height,
      labels: [{ classIndex, box }],
    };
  });
}

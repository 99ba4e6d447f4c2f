import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { syntheticPicture } from "../../shared/dataset/synthetic/picture.ts";
import { encodeJpeg } from "../../shared/image/codec.ts";

/**
 * A folder of drawn pictures that differ so much that each change of the slide show ends what was seen and begins
 * something else: an untrained model's visits then open and close many times a minute.
 */
export async function drawSlideShow(folder: string, seed: number, pictures = 40): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < pictures; i++) {
    const size = { width: 480, height: 360 };
    const { picture } = await syntheticPicture(seed, i, ["car", "bus", "parrot", "dog"], { size });
    writeFileSync(join(folder, `${i}.jpg`), await encodeJpeg(picture, 85));
  }
}

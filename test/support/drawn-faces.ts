import { Random } from "../../shared/base/random.ts";
import type { Picture } from "../../shared/image/types.ts";

/** A face of stripes: how they run is whose it is, and each picture has noise of its own. */
export function drawnFace(person: number, picture: number): Picture {
  const random = new Random(person, "face", picture);
  const [width, height] = [92, 112];
  const data = new Uint8Array(3 * width * height);
  const turn = person * 0.9;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const wave = Math.sin((x * Math.cos(turn) + y * Math.sin(turn)) / (2 + person));
      data.fill(128 + 60 * wave + random.between(-15, 15), 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  }
  return { width, height, data };
}

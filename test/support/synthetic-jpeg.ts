import { syntheticPicture } from "../../shared/dataset/synthetic/picture.ts";
import { encodeJpeg } from "../../shared/image/codec.ts";

/** A drawn street, park or table, as a JPEG file of 320x240. */
export async function syntheticJpeg(seed: number): Promise<Uint8Array> {
  const size = { width: 320, height: 240 };
  const { picture } = await syntheticPicture(seed, 0, ["car", "bus", "parrot"], { size });
  return encodeJpeg(picture, 85);
}

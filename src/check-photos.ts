import { cropPhoto } from "../shared/detect/crop-photo.ts";
import type { Box } from "../shared/detect/types.ts";
import { decodePicture, encodeJpeg } from "../shared/image/codec.ts";
import { resizeBilinear } from "../shared/image/resize.ts";
import type { Picture } from "../shared/image/types.ts";
import type { Sighting } from "../shared/store/sighting.ts";
import type { SightingLog } from "../shared/store/sightings.ts";

/** A sighting whose pictures are not as its row says. */
export interface PhotoFault {
  readonly id: number;
  readonly photo: string;
  /** `lost` and `damaged` are the photo; the close-up is cut from it, and can be again. */
  readonly fault: "lost" | "damaged" | "close-up";
}

/** Looks at every photo and close-up of the log by decoding it. */
export async function* photoFaults(log: SightingLog): AsyncGenerator<PhotoFault | undefined> {
  for (const row of log.each()) {
    const fault = await faultOf(log, row);
    // A tester may have put a better photo in place meanwhile.
    const isSame = fault === undefined || log.get(row.id)?.photo === row.photo;
    yield fault === undefined || !isSame ? undefined : { id: row.id, photo: row.photo, fault };
  }
}

/**
 * Mends a fault. A close-up is cut anew. A photo cannot be made again: the damaged file is set aside, and a grey
 * stand-in with the close-up in its place, where there is one, lets the record stay. False where it was not needed.
 */
export async function mendPhoto(log: SightingLog, { id, photo, fault }: PhotoFault): Promise<boolean> {
  const row = log.get(id);
  if (row?.photo !== photo) return false;
  if (fault === "close-up") {
    const whole = await Bun.file(log.photos.pathOf(photo)).bytes();
    return log.restore(id, photo, { closeUp: await cropPhoto(whole, row.box) });
  }
  const closeUp = row.closeUp === undefined ? undefined : await pictureAt(log.photos.pathOf(row.closeUp));
  const standIn = await encodeJpeg(standInFor(row.box, closeUp), 85);
  const isCloseUpLost = row.closeUp !== undefined && closeUp === undefined;
  return log.restore(id, photo, {
    photo: standIn,
    ...(isCloseUpLost && { closeUp: await cropPhoto(standIn, row.box) }),
  });
}

async function faultOf(log: SightingLog, row: Sighting): Promise<PhotoFault["fault"] | undefined> {
  if (!log.photos.exists(row.photo)) return "lost";
  if ((await pictureAt(log.photos.pathOf(row.photo))) === undefined) return "damaged";
  if (row.closeUp === undefined) return undefined;
  return (await pictureAt(log.photos.pathOf(row.closeUp))) === undefined ? "close-up" : undefined;
}

/** The picture of a file, whole, or nothing. */
async function pictureAt(path: string): Promise<Picture | undefined> {
  try {
    const bytes = await Bun.file(path).bytes();
    // A JPEG that was cut short still decodes, in part: its end marker is what it lacks.
    if (bytes.at(-2) !== 0xff || bytes.at(-1) !== 0xd9) return undefined;
    return await decodePicture(bytes);
  } catch {
    return undefined;
  }
}

const SIDE_PX_MIN = 90;
const SIDE_PX_MAX = 4096;

/** A grey picture on which the box lies where it lay, with what is left of the object. */
function standInFor([x1, y1, x2, y2]: Box, closeUp: Picture | undefined): Picture {
  const side = (far: number): number => Math.min(SIDE_PX_MAX, Math.max(SIDE_PX_MIN, Math.ceil(1.2 * far)));
  const [width, height] = [side(x2), side(y2)];
  const data = new Uint8Array(3 * width * height).fill(96);
  const left = Math.max(0, Math.floor(x1));
  const top = Math.max(0, Math.floor(y1));
  const [wide, high] = [Math.min(width, Math.ceil(x2)) - left, Math.min(height, Math.ceil(y2)) - top];
  if (closeUp !== undefined && wide > 0 && high > 0) {
    const small = resizeBilinear(closeUp, wide, high);
    for (let y = 0; y < high; y++) {
      const line = small.data.subarray(3 * y * wide, 3 * (y + 1) * wide);
      data.set(line, 3 * ((top + y) * width + left));
    }
  }
  return { width, height, data };
}

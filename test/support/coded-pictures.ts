import { decodePicture } from "../../shared/image/codec.ts";
import { joinAnnexB, splitAnnexB } from "../../shared/rtsp/nal.ts";

/** A coded stream cut into pictures of one slice. */
export function picturesOf(stream: Buffer, isSlice: (unit: Buffer) => boolean): Buffer[] {
  const pictures: Buffer[] = [];
  let units: Buffer[] = [];
  for (const unit of splitAnnexB(stream)) {
    units.push(unit);
    if (!isSlice(unit)) continue;
    pictures.push(joinAnnexB(units));
    units = [];
  }
  return pictures;
}

const GREY_FIRST = 40;
const GREY_STEP = 20;

/**
 * Ten pictures of H.264 in the order in which they are sent, two B-pictures to each other one, and their places in the
 * order in which they are shown. Needs ffmpeg.
 */
export function codedOutOfOrder(): { readonly pictures: Buffer[]; readonly shown: readonly number[] } {
  const shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
  const grey = `nullsrc=s=64x64:r=10:d=${shown.length / 10},format=gray,geq=lum='${GREY_FIRST}+${GREY_STEP}*N'`;
  const x264 = `keyint=${shown.length}:b-adapt=0:bframes=2:scenecut=0:sliced-threads=0:slices=1`;
  const made = Bun.spawnSync([
    ...["ffmpeg", "-v", "error", "-f", "lavfi", "-i", grey, "-pix_fmt", "yuvj420p"],
    ...["-c:v", "libx264", "-x264-params", x264, "-f", "h264", "-"],
  ]);
  const pictures = picturesOf(Buffer.from(made.stdout), (unit) => (unit[0]! & 31) <= 5);
  if (pictures.length !== shown.length) throw new Error(`ffmpeg made ${pictures.length} pictures`);
  return { pictures, shown };
}

/** Which of those a decoded picture is, by its grey. */
export async function shownAs(jpeg: Uint8Array): Promise<number> {
  const { data } = await decodePicture(jpeg);
  return Math.round((data[0]! - GREY_FIRST) / GREY_STEP);
}

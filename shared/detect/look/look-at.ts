import { crop } from "../../image/resize.ts";
import type { Picture } from "../../image/types.ts";
import type { DetectOptions, Model } from "../model.ts";
import { sharpnessOf } from "../sharpness.ts";
import type { Box, Detection } from "../types.ts";
import { joinRegions } from "./regions.ts";

/** What a look at a picture has shown. */
export interface Seen {
  readonly detections: readonly Detection[];
  /** A region's edge has cut something that no other region shows whole. */
  readonly hasCut: boolean;
}

/**
 * Looks at regions of a picture, all of them in one batch, or at the whole of it.
 *
 * @param regions in pixels; the whole picture when absent
 * @returns in pixels of the picture, each with its sharpness
 */
export async function lookAt(
  model: Pick<Model, "detect">,
  picture: Picture,
  regions: readonly Box[] | undefined,
  options: DetectOptions,
): Promise<Seen> {
  if (regions === undefined) {
    const [found = []] = await model.detect([picture], options);
    return { detections: found.map((one) => measured(picture, one)), hasCut: false };
  }
  const parts = regions.map((region) => crop(picture, region));
  const answers = await model.detect(parts, options);
  const looks = regions.map((region, i) => ({
    region,
    detections: (answers[i] ?? []).map((one) => ({ ...one, box: shifted(one.box, region) })),
  }));
  const { detections, hasCut } = joinRegions(looks, picture);
  return { detections: detections.map((one) => measured(picture, one)), hasCut };
}

function measured(picture: Picture, detection: Detection): Detection {
  return { ...detection, sharpness: sharpnessOf(picture, detection.box) };
}

function shifted([x1, y1, x2, y2]: Box, [left, top]: Box): Box {
  return [x1 + left, y1 + top, x2 + left, y2 + top];
}

import type { PreparedPicture } from "../../shared/dataset/prepared.ts";
import { type Box, boxIou, type Detection } from "../../shared/detect/types.ts";

/** COCO-style mAP50 (all points) and mAP50-95 (101 points), as the reference trainer computes them. */
export function meanAveragePrecision(
  answers: readonly (readonly Detection[])[],
  pictures: readonly PreparedPicture[],
  classCount: number,
): { map50: number; map: number; perClass: number[] } {
  const levels = Array.from({ length: 10 }, (_, i) => 0.5 + 0.05 * i);
  const truths = pictures.map(({ picture: { width, height }, labels }) =>
    labels.map(({ classIndex, box }) => ({
      classIndex,
      box: [box[0] * width, box[1] * height, box[2] * width, box[3] * height] as Box,
    })),
  );
  const perClass: number[] = [];
  let sum = 0;
  let counted = 0;
  for (let classIndex = 0; classIndex < classCount; classIndex++) {
    const total = truths.flat().filter((truth) => truth.classIndex === classIndex).length;
    if (total === 0) {
      perClass.push(Number.NaN);
      continue;
    }
    counted++;
    levels.forEach((level, place) => {
      const hits = answers.flatMap((answer, i) => {
        const own = truths[i]!.filter((truth) => truth.classIndex === classIndex);
        const used = new Set<number>();
        return answer
          .filter((detection) => detection.classIndex === classIndex)
          .map(({ score, box }) => {
            let best = -1;
            let most = level;
            own.forEach((truth, k) => {
              const overlap = used.has(k) ? -1 : boxIou(truth.box, box);
              if (overlap >= most) [best, most] = [k, overlap];
            });
            if (best >= 0) used.add(best);
            return { score, hit: best >= 0 };
          });
      });
      hits.sort((a, b) => b.score - a.score);
      let found = 0;
      const recall: number[] = [];
      const precision = hits.map(({ hit }, i) => {
        if (hit) found++;
        recall.push(found / total);
        return found / (i + 1);
      });
      for (let i = precision.length - 2; i >= 0; i--) {
        precision[i] = Math.max(precision[i]!, precision[i + 1]!);
      }
      if (place === 0) {
        perClass.push(recall.reduce((area, r, i) => area + (r - (recall[i - 1] ?? 0)) * precision[i]!, 0));
      }
      for (let point = 0; point <= 100; point++) {
        const at = recall.findIndex((r) => r >= point / 100 - 1e-12);
        sum += at < 0 ? 0 : precision[at]! / 101 / levels.length;
      }
    });
  }
  const known = perClass.filter((value) => !Number.isNaN(value));
  return { map50: known.reduce((a, b) => a + b, 0) / counted, map: sum / counted, perClass };
}

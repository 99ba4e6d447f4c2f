import { boxIou, type Detection } from "../detect/types.ts";
import { type Metric, type ScoredPicture, share } from "./metric.ts";

export interface SingleObjectResult {
  /** Pictures with exactly one object: the others are left out. */
  readonly pictures: number;
  /** Share of them whose best detection names the right class; a picture without detections is wrong. */
  readonly classAccuracy: number;
  /** Mean overlap of the best detection's box with the object's; 0 for a picture without detections. */
  readonly meanIou: number;
  /** Mean squared and mean absolute error of a box's four sides, over the pictures with a detection. */
  readonly squaredErrorPx2: number;
  readonly absoluteErrorPx: number;
}

/** How well the one object of a picture is named and framed, whatever the score. */
export class SingleObjectMetric implements Metric<SingleObjectResult> {
  #pictures = 0;
  #answered = 0;
  #right = 0;
  #iou = 0;
  #squared = 0;
  #absolute = 0;

  add({ truths, detections }: ScoredPicture): void {
    const [truth, ...others] = truths;
    if (truth === undefined || others.length > 0) return;
    this.#pictures++;
    const best = detections.reduce<Detection | undefined>(
      (most, one) => (most === undefined || one.score > most.score ? one : most),
      undefined,
    );
    if (best === undefined) return;
    this.#answered++;
    if (best.classIndex === truth.classIndex) this.#right++;
    this.#iou += boxIou(best.box, truth.box);
    best.box.forEach((side, i) => {
      const error = side - truth.box[i]!;
      this.#squared += error * error;
      this.#absolute += Math.abs(error);
    });
  }

  result(): SingleObjectResult {
    return {
      pictures: this.#pictures,
      classAccuracy: share(this.#right, this.#pictures),
      meanIou: share(this.#iou, this.#pictures),
      squaredErrorPx2: share(this.#squared, 4 * this.#answered),
      absoluteErrorPx: share(this.#absolute, 4 * this.#answered),
    };
  }
}

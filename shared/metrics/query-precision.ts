import { byClass, IOU_MIN, matchGreedily } from "./matching.ts";
import { type Metric, type ScoredPicture, share } from "./metric.ts";

/**
 * Average query precision, 0 to 1: each picture that holds an object is a query, its detections of all classes the
 * answers, best first. The query's average precision is the mean, over its objects, of the precision at the answer
 * that found each, and 0 for those never found; the result is the mean over queries (mean average precision as in
 * Manning, Raghavan and Schütze 2008, section 8.4). Unlike mAP it asks whether scores rank well inside one picture.
 */
export class AverageQueryPrecision implements Metric<number> {
  #sum = 0;
  #queries = 0;

  add(picture: ScoredPicture): void {
    if (picture.truths.length === 0) return;
    const answers = byClass(picture).flatMap(({ detections, overlaps }) => {
      const matches = matchGreedily(overlaps, IOU_MIN);
      return detections.map(({ score }, d) => ({ score, right: matches[d]! >= 0 }));
    });
    answers.sort((a, b) => b.score - a.score);
    let right = 0;
    let sum = 0;
    answers.forEach((answer, rank) => {
      if (answer.right) sum += ++right / (rank + 1);
    });
    this.#sum += sum / picture.truths.length;
    this.#queries++;
  }

  result(): number {
    return share(this.#sum, this.#queries);
  }
}

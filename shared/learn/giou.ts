/** Keeps the divisions finite where boxes are empty. */
const EPSILON = 1e-7;

/** Filled by `giou`: one object for all calls, since the loss calls it for every cell that answers for an object. */
export interface GiouResult {
  iou: number;
  giou: number;
  /** d giou / d x1, y1, x2, y2 of the first box. */
  readonly slopes: Float64Array;
}

export function giouResult(): GiouResult {
  return { iou: 0, giou: 0, slopes: new Float64Array(4) };
}

/**
 * Generalized intersection over union, -1 to 1 (Rezatofighi et al. 2019), with its derivatives.
 * Box one is (x1, y1, x2, y2), the other four numbers of `boxes` from `at`; both with x1 <= x2 and y1 <= y2.
 */
export function giou(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  boxes: Float32Array,
  at: number,
  into: GiouResult,
): void {
  const a1 = boxes[at]!;
  const b1 = boxes[at + 1]!;
  const a2 = boxes[at + 2]!;
  const b2 = boxes[at + 3]!;
  const width = x2 - x1;
  const height = y2 - y1;
  const sharedWidth = Math.min(x2, a2) - Math.max(x1, a1);
  const sharedHeight = Math.min(y2, b2) - Math.max(y1, b1);
  const overlap = sharedWidth > 0 && sharedHeight > 0;
  const shared = overlap ? sharedWidth * sharedHeight : 0;
  const union = width * height + (a2 - a1) * (b2 - b1) - shared + EPSILON;
  const hullWidth = Math.max(x2, a2) - Math.min(x1, a1);
  const hullHeight = Math.max(y2, b2) - Math.min(y1, b1);
  const hull = hullWidth * hullHeight + EPSILON;
  into.iou = shared / union;
  into.giou = into.iou - (hull - union) / hull;

  // d giou = d shared / union + (1 / hull - shared / union^2) d union - union / hull^2 d hull,
  // and d union = d area - d shared.
  const bySharedAlone = 1 / union;
  const byUnion = 1 / hull - shared / (union * union);
  const byShared = bySharedAlone - byUnion;
  const byHull = -union / (hull * hull);
  const { slopes } = into;
  slopes[0] = -height * byUnion;
  slopes[1] = -width * byUnion;
  slopes[2] = height * byUnion;
  slopes[3] = width * byUnion;
  if (overlap) {
    if (x1 > a1) slopes[0]! -= sharedHeight * byShared;
    if (y1 > b1) slopes[1]! -= sharedWidth * byShared;
    if (x2 < a2) slopes[2]! += sharedHeight * byShared;
    if (y2 < b2) slopes[3]! += sharedWidth * byShared;
  }
  if (x1 < a1) slopes[0]! -= hullHeight * byHull;
  if (y1 < b1) slopes[1]! -= hullWidth * byHull;
  if (x2 > a2) slopes[2]! += hullHeight * byHull;
  if (y2 > b2) slopes[3]! += hullWidth * byHull;
}

import { detectorLevels, type Level } from "../detect/cells.ts";
import { binaryCrossEntropy, sigmoid, softplus } from "../nn/activation.ts";
import type { LossResult } from "../nn/engine.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { BOX_CHANNELS } from "../nn/networks/detector.ts";
import { Assigner, type CellAnswers } from "./assign.ts";
import { giou, giouResult } from "./giou.ts";
import type { Loss, LossReport } from "./loss.ts";
import type { ChunkTargets } from "./targets.ts";

const BOX_WEIGHT = 5;

/**
 * The detector's loss, as in YOLOX (Ge et al. 2021): for the cells that answer for an object (`Assigner`)
 * 5 (1 - GIoU) and binary cross-entropy of the class logits against the overlap in the right place, and for all cells
 * binary cross-entropy of the objectness; divided by the number of answering cells in the chunk.
 *
 * Outputs as `detectorNetwork` documents them: class and box of each level in turn, each [chunk, channels, side, side].
 */
export class DetectorLoss implements Loss, CellAnswers {
  readonly #classCount: number;
  readonly #chunkSize: number;
  readonly #levels: readonly Level[];
  readonly #gradients: readonly Float32Array[];
  readonly #assigner: Assigner;
  readonly #giou = giouResult();
  /** left, top, right, bottom of the box that a cell answers, in pixels. */
  readonly #box = new Float64Array(4);
  /** The chunk and the picture in it that `classCost` and `overlap` are asked about. */
  #outputs: readonly Float32Array[] = [];
  #boxes: Float32Array = new Float32Array();
  #picture = 0;

  constructor(network: NetworkConfig & { kind: "detector" }, chunkSize: number) {
    this.#classCount = network.classCount;
    this.#chunkSize = chunkSize;
    this.#levels = detectorLevels(network.size);
    this.#gradients = this.#levels.flatMap(({ cellCount }) => [
      new Float32Array(chunkSize * network.classCount * cellCount),
      new Float32Array(chunkSize * BOX_CHANNELS * cellCount),
    ]);
    this.#assigner = new Assigner(this.#levels);
  }

  compute(outputs: readonly Float32Array[], targets: ChunkTargets): LossResult<LossReport> {
    this.#outputs = outputs;
    this.#boxes = targets.boxes;
    for (const gradient of this.#gradients) gradient.fill(0);
    const sums = { box: 0, objectness: this.#emptyCells(), class: 0 };
    let positives = 0;
    for (this.#picture = 0; this.#picture < this.#chunkSize; this.#picture++) {
      const from = targets.starts[this.#picture]!;
      const to = targets.starts[this.#picture + 1]!;
      this.#assigner.assign(targets.boxes, targets.classes, from, to, this);
      positives += this.#assigner.count;
      for (let i = 0; i < this.#assigner.count; i++) {
        const label = this.#assigner.labels[i]!;
        this.#answeringCell(this.#assigner.cells[i]!, label, targets.classes[label]!, sums);
      }
    }
    const share = 1 / Math.max(1, positives);
    for (const gradient of this.#gradients) scale(gradient, share);
    const parts = { box: sums.box * share, objectness: sums.objectness * share, class: sums.class * share };
    return { gradients: this.#gradients, report: { parts, positives } };
  }

  classCost(cell: number, level: Level, classIndex: number): number {
    const { place, cellCount } = level;
    const classes = this.#outputs[2 * place]!;
    const object = sigmoid(this.#outputs[2 * place + 1]![this.#at(BOX_CHANNELS, 4, cellCount) + cell]!);
    let cost = 0;
    let at = this.#at(this.#classCount, 0, cellCount) + cell;
    for (let c = 0; c < this.#classCount; c++, at += cellCount) {
      const score = Math.min(Math.max(Math.sqrt(sigmoid(classes[at]!) * object), 1e-6), 1 - 1e-6);
      cost -= c === classIndex ? Math.log(score) : Math.log1p(-score);
    }
    return cost;
  }

  overlap(cell: number, level: Level, label: number): number {
    this.#readBox(cell, level);
    const [left, top, right, bottom] = this.#box as unknown as [number, number, number, number];
    const boxes = this.#boxes;
    const x1 = boxes[4 * label]!;
    const y1 = boxes[4 * label + 1]!;
    const x2 = boxes[4 * label + 2]!;
    const y2 = boxes[4 * label + 3]!;
    const width = Math.min(right, x2) - Math.max(left, x1);
    const height = Math.min(bottom, y2) - Math.max(top, y1);
    if (width <= 0 || height <= 0) return 0;
    const shared = width * height;
    return shared / ((right - left) * (bottom - top) + (x2 - x1) * (y2 - y1) - shared);
  }

  /** Objectness of every cell as if none answered for an object; returns the sum. */
  #emptyCells(): number {
    let sum = 0;
    for (const { place, cellCount } of this.#levels) {
      const boxes = this.#outputs[2 * place + 1]!;
      const slopes = this.#gradients[2 * place + 1]!;
      for (let picture = 0; picture < this.#chunkSize; picture++) {
        const from = (picture * BOX_CHANNELS + 4) * cellCount;
        for (let at = from; at < from + cellCount; at++) {
          // Softplus and its slope from one exponential: this loop sees every cell of every picture.
          const x = boxes[at]!;
          const e = Math.exp(-Math.abs(x));
          sum += Math.max(x, 0) + Math.log1p(e);
          slopes[at] = (x > 0 ? 1 : e) / (1 + e);
        }
      }
    }
    return sum;
  }

  #answeringCell(
    cell: number,
    label: number,
    classIndex: number,
    sums: { box: number; objectness: number; class: number },
  ): void {
    const level = this.#levels.findLast(({ firstCell }) => cell >= firstCell)!;
    const { place, cellCount, stride } = level;
    const inLevel = cell - level.firstCell;
    const boxes = this.#outputs[2 * place + 1]!;
    const boxSlopes = this.#gradients[2 * place + 1]!;
    const boxAt = this.#at(BOX_CHANNELS, 0, cellCount) + inLevel;

    this.#readBox(inLevel, level);
    const [x1, y1, x2, y2] = this.#box as unknown as [number, number, number, number];
    giou(x1, y1, x2, y2, this.#boxes, 4 * label, this.#giou);
    sums.box += BOX_WEIGHT * (1 - this.#giou.giou);
    for (let side = 0; side < 4; side++) {
      // The left and top sides move against their distance.
      const outward = side < 2 ? -stride : stride;
      const at = boxAt + side * cellCount;
      boxSlopes[at] = -BOX_WEIGHT * this.#giou.slopes[side]! * outward * sigmoid(boxes[at]!);
    }

    const objectAt = boxAt + 4 * cellCount;
    sums.objectness -= boxes[objectAt]!;
    boxSlopes[objectAt]! -= 1;

    const classes = this.#outputs[2 * place]!;
    const classSlopes = this.#gradients[2 * place]!;
    let at = this.#at(this.#classCount, 0, cellCount) + inLevel;
    for (let c = 0; c < this.#classCount; c++, at += cellCount) {
      const target = c === classIndex ? this.#giou.iou : 0;
      sums.class += binaryCrossEntropy(classes[at]!, target);
      classSlopes[at] = sigmoid(classes[at]!) - target;
    }
  }

  #readBox(cell: number, { place, stride, side, cellCount }: Level): void {
    const boxes = this.#outputs[2 * place + 1]!;
    const at = this.#at(BOX_CHANNELS, 0, cellCount) + cell;
    const x = ((cell % side) + 0.5) * stride;
    const y = (Math.floor(cell / side) + 0.5) * stride;
    this.#box[0] = x - stride * softplus(boxes[at]!);
    this.#box[1] = y - stride * softplus(boxes[at + cellCount]!);
    this.#box[2] = x + stride * softplus(boxes[at + 2 * cellCount]!);
    this.#box[3] = y + stride * softplus(boxes[at + 3 * cellCount]!);
  }

  /** Where a channel of the current picture begins in an output of `channels`. */
  #at(channels: number, channel: number, cellCount: number): number {
    return (this.#picture * channels + channel) * cellCount;
  }
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i]! *= factor;
}

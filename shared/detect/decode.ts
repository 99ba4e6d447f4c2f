import { logit, sigmoid, softplus } from "../nn/activation.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { BOX_CHANNELS } from "../nn/networks/detector.ts";
import { softmax } from "../nn/softmax.ts";
import { detectorLevels, type Level } from "./cells.ts";
import { mergeOverlaps } from "./nms.ts";
import type { Box, Detection } from "./types.ts";

/** How a picture lies on the network's input: input = offset + scale * picture, in pixels; its size is the picture's. */
export interface PictureView {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** Turns a network's outputs into detections. */
export interface Decoder {
  /**
   * @param outputs of a batch
   * @param place of the picture in the batch
   * @param scoresMin least score for each class
   * @returns in falling order of score, in pixels of the picture, clipped to it
   */
  decode(
    outputs: readonly Float32Array[],
    place: number,
    view: PictureView,
    scoresMin: ArrayLike<number>,
  ): Detection[];
}

/** @param height of a detector's input, where it is not square */
export function createDecoder(network: NetworkConfig, height?: number): Decoder {
  switch (network.kind) {
    case "detector":
      return new DetectorDecoder(network, height);
    case "single-box":
      return new SingleBoxDecoder(network);
    case "mlp":
      return new IdentityDecoder(network);
  }
}

/** Only so many of a picture's best scores are looked at. */
const CANDIDATES_MAX = 400;
/** Overlap at which two detections of a class count as one object. */
const NMS_IOU_MAX = 0.6;
export const DETECTIONS_MAX = 100;

/** The detector: each cell says a box, how surely it holds an object, and of which class. */
class DetectorDecoder implements Decoder {
  readonly #classCount: number;
  readonly #levels: readonly Level[];

  constructor({ classCount, size }: NetworkConfig & { kind: "detector" }, height = size) {
    this.#classCount = classCount;
    this.#levels = detectorLevels(size, height);
  }

  decode(
    outputs: readonly Float32Array[],
    place: number,
    view: PictureView,
    scoresMin: ArrayLike<number>,
  ): Detection[] {
    const found: { score: number; classIndex: number; cell: number; level: Level }[] = [];
    const objectMin = logit(Math.min(...Array.from(scoresMin)));
    for (const level of this.#levels) {
      const { cellCount } = level;
      const classes = outputs[2 * level.place]!;
      const boxes = outputs[2 * level.place + 1]!;
      const objectAt = (place * BOX_CHANNELS + 4) * cellCount;
      const classAt = place * this.#classCount * cellCount;
      for (let cell = 0; cell < cellCount; cell++) {
        // A score is at most its objectness, and most cells are empty: they cost one comparison.
        const objectness = boxes[objectAt + cell]!;
        if (!(objectness >= objectMin)) continue;
        const object = sigmoid(objectness);
        for (let classIndex = 0; classIndex < this.#classCount; classIndex++) {
          const score = object * sigmoid(classes[classAt + classIndex * cellCount + cell]!);
          if (score >= scoresMin[classIndex]!) found.push({ score, classIndex, cell, level });
        }
      }
    }
    found.sort((a, b) => b.score - a.score);
    const detections = found.slice(0, CANDIDATES_MAX).map(({ score, classIndex, cell, level }) => ({
      classIndex,
      score,
      box: this.#box(outputs, place, cell, level, view),
    }));
    return mergeOverlaps(detections, { iouMax: NMS_IOU_MAX, countMax: DETECTIONS_MAX });
  }

  #box(outputs: readonly Float32Array[], place: number, cell: number, level: Level, view: PictureView): Box {
    const { stride, side, cellCount } = level;
    const boxes = outputs[2 * level.place + 1]!;
    const at = place * BOX_CHANNELS * cellCount + cell;
    const distance = (channel: number): number => stride * softplus(boxes[at + channel * cellCount]!);
    const x = ((cell % side) + 0.5) * stride;
    const y = (Math.floor(cell / side) + 0.5) * stride;
    return toPicture([x - distance(0), y - distance(1), x + distance(2), y + distance(3)], view);
  }
}

class SingleBoxDecoder implements Decoder {
  readonly #size: number;
  readonly #classCount: number;

  constructor(network: NetworkConfig & { kind: "single-box" }) {
    this.#size = network.size;
    this.#classCount = network.classCount;
  }

  decode(
    [logits, sides]: readonly Float32Array[],
    place: number,
    view: PictureView,
    scoresMin: ArrayLike<number>,
  ): Detection[] {
    const best = bestOf(softmax(logits!, place * this.#classCount, this.#classCount));
    if (best.score < scoresMin[best.classIndex]!) return [];
    const [x1, y1, x2, y2] = Array.from(
      sides!.subarray(4 * place, 4 * place + 4),
      (share) => share * this.#size,
    );
    const box: Box = [Math.min(x1!, x2!), Math.min(y1!, y2!), Math.max(x1!, x2!), Math.max(y1!, y2!)];
    return [{ ...best, box: toPicture(box, view) }];
  }
}

/** The face network: the box is the whole picture. */
class IdentityDecoder implements Decoder {
  readonly #people: number;

  constructor(network: NetworkConfig & { kind: "mlp" }) {
    this.#people = network.classCount;
  }

  decode(
    [logits]: readonly Float32Array[],
    place: number,
    { width, height }: PictureView,
    scoresMin: ArrayLike<number>,
  ): Detection[] {
    const second = this.#people === 2 ? sigmoid(logits![place]!) : 0;
    const scores =
      this.#people === 2 ? [1 - second, second] : softmax(logits!, place * this.#people, this.#people);
    const best = bestOf(scores);
    return best.score < scoresMin[best.classIndex]! ? [] : [{ ...best, box: [0, 0, width, height] }];
  }
}

function bestOf(scores: ArrayLike<number>): { classIndex: number; score: number } {
  let classIndex = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[classIndex]!) classIndex = i;
  return { classIndex, score: scores[classIndex]! };
}

function toPicture(box: Box, { width, height, scale, offsetX, offsetY }: PictureView): Box {
  const across = (x: number): number => Math.min(Math.max((x - offsetX) / scale, 0), width);
  const down = (y: number): number => Math.min(Math.max((y - offsetY) / scale, 0), height);
  return [across(box[0]), down(box[1]), across(box[2]), down(box[3])];
}

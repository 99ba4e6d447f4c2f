import type { Level } from "../detect/cells.ts";

/** Cells further from a box's centre than this many strides, across or down, do not answer for it. */
const RADIUS = 1.5;
/** A box's share of cells is the sum of its best overlaps, over so many cells. */
const OVERLAPS = 10;
const OVERLAP_WEIGHT = 3;

/** What the assignment needs to know of the network's answers for one picture. */
export interface CellAnswers {
  /** How little the cell's scores say that there is an object of the class: binary cross-entropy, 0 or more. */
  classCost(cell: number, level: Level, classIndex: number): number;
  /** Intersection over union of the cell's box and box `label` of the chunk, 0 to 1. */
  overlap(cell: number, level: Level, label: number): number;
}

/**
 * Decides which cells answer for which box, by what they answer already: SimOTA (Ge et al. 2021, YOLOX). Each box
 * takes the k cells of least cost near its centre, k being about the sum of its overlaps; a cell that two boxes want
 * goes to the one for which it costs less.
 */
export class Assigner {
  /** Results of the last `assign`: the cells that answer, and the label of each. */
  readonly cells: Int32Array;
  readonly labels: Int32Array;
  count = 0;

  readonly #levels: readonly Level[];
  readonly #owner: Int32Array;
  readonly #ownerCost: Float64Array;
  readonly #candidate: Int32Array;
  readonly #candidateCost: Float64Array;
  readonly #best = new Float64Array(OVERLAPS);

  constructor(levels: readonly Level[]) {
    const cellCount = levels.reduce((sum, level) => sum + level.cellCount, 0);
    const nearMax = levels.length * (Math.ceil(2 * RADIUS) + 1) ** 2;
    this.#levels = levels;
    this.cells = new Int32Array(cellCount);
    this.labels = new Int32Array(cellCount);
    this.#owner = new Int32Array(cellCount).fill(-1);
    this.#ownerCost = new Float64Array(cellCount);
    this.#candidate = new Int32Array(nearMax);
    this.#candidateCost = new Float64Array(nearMax);
  }

  /** @param from, to the picture's labels in the lists of the chunk; boxes in pixels of the input */
  assign(boxes: Float32Array, classes: Int32Array, from: number, to: number, answers: CellAnswers): void {
    this.count = 0;
    for (let label = from; label < to; label++) {
      const found = this.#weighCandidates(boxes, classes[label]!, label, answers);
      this.#takeCheapest(label, found);
    }
    for (let i = 0; i < this.count; i++) {
      const cell = this.cells[i]!;
      this.labels[i] = this.#owner[cell]!;
      this.#owner[cell] = -1;
    }
  }

  /** Fills the candidates and their costs, and leaves the best overlaps in `#best`. */
  #weighCandidates(boxes: Float32Array, classIndex: number, label: number, answers: CellAnswers): number {
    const x = (boxes[4 * label]! + boxes[4 * label + 2]!) / 2;
    const y = (boxes[4 * label + 1]! + boxes[4 * label + 3]!) / 2;
    this.#best.fill(0);
    let found = 0;
    for (const level of this.#levels) {
      const { stride, side } = level;
      const columnEnd = lastNear(x / stride, side);
      const rowEnd = lastNear(y / stride, side);
      for (let row = firstNear(y / stride); row <= rowEnd; row++) {
        for (let column = firstNear(x / stride); column <= columnEnd; column++) {
          const cell = row * side + column;
          const overlap = answers.overlap(cell, level, label);
          this.#rank(overlap);
          this.#candidate[found] = level.firstCell + cell;
          this.#candidateCost[found] =
            answers.classCost(cell, level, classIndex) - OVERLAP_WEIGHT * Math.log(overlap + 1e-8);
          found++;
        }
      }
    }
    return found;
  }

  /** Keeps the largest overlaps, in falling order. */
  #rank(overlap: number): void {
    const best = this.#best;
    if (overlap <= best[OVERLAPS - 1]!) return;
    let place = OVERLAPS - 1;
    for (; place > 0 && best[place - 1]! < overlap; place--) best[place] = best[place - 1]!;
    best[place] = overlap;
  }

  #takeCheapest(label: number, found: number): void {
    const costs = this.#candidateCost;
    const share = Math.max(1, Math.floor(this.#best.reduce((sum, overlap) => sum + overlap, 0)));
    for (let taken = 0; taken < Math.min(share, found); taken++) {
      let cheapest = 0;
      for (let i = 1; i < found; i++) if (costs[i]! < costs[cheapest]!) cheapest = i;
      const cost = costs[cheapest]!;
      costs[cheapest] = Number.POSITIVE_INFINITY;
      const cell = this.#candidate[cheapest]!;
      if (this.#owner[cell] === -1) this.cells[this.count++] = cell;
      else if (cost >= this.#ownerCost[cell]!) continue;
      this.#owner[cell] = label;
      this.#ownerCost[cell] = cost;
    }
  }
}

/** The first cell whose centre (at half a cell) is nearer than the radius; `place` in cells. */
function firstNear(place: number): number {
  return Math.max(0, Math.floor(place - 0.5 - RADIUS) + 1);
}

function lastNear(place: number, side: number): number {
  return Math.min(side - 1, Math.ceil(place - 0.5 + RADIUS) - 1);
}

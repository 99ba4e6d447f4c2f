import { DETECTOR_STRIDES } from "../nn/networks/detector.ts";

/** The cells of one level of the detector. */
export interface Level {
  /** 0, 1, 2: its outputs are 2 * place (class) and 2 * place + 1 (box). */
  readonly place: number;
  readonly stride: number;
  /** Cells in a row; on a square input, rows too. */
  readonly side: number;
  readonly cellCount: number;
  /** Number of its first cell when the cells of all levels are counted through. */
  readonly firstCell: number;
}

/** @param size, height of the detector's input, in pixels */
export function detectorLevels(size: number, height = size): readonly Level[] {
  let firstCell = 0;
  return DETECTOR_STRIDES.map((stride, place) => {
    const side = size / stride;
    const level = { place, stride, side, cellCount: side * (height / stride), firstCell };
    firstCell += level.cellCount;
    return level;
  });
}

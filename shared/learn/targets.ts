/** The labels of a chunk's pictures, as flat arrays that cross threads without copies of objects. */
export interface ChunkTargets {
  /** Labels of picture i: places starts[i] to starts[i + 1] of the lists below; length pictures + 1. */
  readonly starts: Int32Array;
  readonly classes: Int32Array;
  /** x1, y1, x2, y2 of each label, in pixels of the network's input. */
  readonly boxes: Float32Array;
}

export function packTargets(
  pictures: readonly (readonly {
    readonly classIndex: number;
    readonly box: readonly [number, number, number, number];
  }[])[],
): ChunkTargets {
  const all = pictures.flat();
  const starts = new Int32Array(pictures.length + 1);
  pictures.forEach((labels, i) => {
    starts[i + 1] = starts[i]! + labels.length;
  });
  return {
    starts,
    classes: Int32Array.from(all, ({ classIndex }) => classIndex),
    boxes: Float32Array.from(all.flatMap(({ box }) => box)),
  };
}

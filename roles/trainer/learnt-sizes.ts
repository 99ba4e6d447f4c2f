import type { LearntSizes } from "../../shared/nn/model-file.ts";
import type { SampleRow } from "../../shared/wire/messages/training.ts";

/** How large the things of a data set are; `undefined` where none are labelled outside its test pictures. */
export function learntSizesOf(samples: readonly SampleRow[]): LearntSizes | undefined {
  const sides = samples
    .filter(({ split }) => split !== "test")
    .flatMap(({ width, height, labels }) =>
      labels.map(({ box: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1) / Math.max(width, height)),
    )
    .filter((side) => side > 0)
    .sort((a, b) => a - b);
  if (sides.length === 0) return undefined;
  const at = (share: number): number => Math.min(1, sides[Math.floor(share * sides.length)]!);
  return { small: at(0.1), usual: at(0.5) };
}

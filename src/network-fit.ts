import { countText } from "../shared/base/text.ts";
import type { DatasetStatistics } from "../shared/dataset/statistics.ts";
import type { NetworkKind } from "../shared/nn/networks/config.ts";

/** What a network would make of labels that are not meant for it, and what to do; `undefined` where they fit. */
export function misfitOf(network: NetworkKind, statistics: DatasetStatistics): string | undefined {
  const { isWholePictures, picturesWithSeveral } = statistics;
  switch (network) {
    case "detector":
      if (!isWholePictures) return undefined;
      return "the labels name whole pictures, so nothing is learnt of where things are: --network mlp learns whose faces they are, and a detector needs boxes";
    case "single-box":
      if (picturesWithSeveral === 0) return undefined;
      return `${countText(picturesWithSeveral, "picture has", "pictures have")} several objects, of which this network learns the first: --network detector learns them all`;
    case "mlp":
      if (isWholePictures) return undefined;
      return "this network looks at whole pictures and not into the boxes: cut the faces out, into a folder for each person, or find things with --network detector";
  }
}

import { AppError } from "../../shared/base/errors.ts";
import { Progress } from "../../shared/base/progress.ts";
import { countText } from "../../shared/base/text.ts";
import { SYNTHETIC_CLASSES, syntheticClasses } from "../../shared/dataset/synthetic/art/catalogue.ts";
import { writeSyntheticDataset } from "../../shared/dataset/synthetic/dataset.ts";
import { wholeFlag } from "../flags.ts";
import { COMMON_FLAGS, type Command, isSet, textOf } from "../shell.ts";

const IMAGES = 400;
const IMAGES_MAX = 100_000;
const CLASSES = 8;

export const command: Command = {
  definition: {
    meta: { name: "synth", description: "Draw a labelled data set (Pascal VOC) of everyday things." },
    args: {
      dir: {
        type: "positional",
        required: true,
        valueHint: "DIR",
        description: "Where to; a new or empty folder.",
      },
      images: { type: "string", valueHint: "N", description: `How many pictures (${IMAGES}).` },
      classes: {
        type: "string",
        valueHint: "N",
        description: `How many classes (${CLASSES}), of ${SYNTHETIC_CLASSES.join(", ")}.`,
      },
      seed: { type: "string", valueHint: "S", description: "Another number, other pictures (1)." },
      single: { type: "boolean", description: "One thing a picture, for a network that gives a single box." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, { signal, print }) {
    const folder = textOf(flags, "dir");
    if (folder === undefined)
      throw new AppError("usage", "no folder was given", { hint: "vigia synth drawn/" });
    const images = wholeFlag("images", textOf(flags, "images"), 1, IMAGES_MAX) ?? IMAGES;
    const count = wholeFlag("classes", textOf(flags, "classes"), 1, SYNTHETIC_CLASSES.length) ?? CLASSES;
    const seed = wholeFlag("seed", textOf(flags, "seed"), 0, 1e9) ?? 1;
    const classes = syntheticClasses(count);
    using progress = new Progress();
    const startedMs = performance.now();
    await writeSyntheticDataset(folder, {
      images,
      classes,
      seed,
      oneObject: isSet(flags, "single"),
      signal,
      onProgress: (done) => {
        const rate = (1000 * done) / (performance.now() - startedMs);
        progress.show({
          stage: "drawing pictures",
          share: done / images,
          detail: `${Math.round(rate)} pictures/s`,
          timeLeftMs: (1000 * (images - done)) / rate,
        });
      },
    });
    progress[Symbol.dispose]();
    print(
      `${countText(images, "picture")} of ${countText(count, "class", "classes")} in ${folder}: ${classes.join(", ")}`,
    );
  },
};

import type { ArgsDef } from "citty";
import type { FacesOptions } from "../roles/tester/options.ts";
import { AppError } from "../shared/base/errors.ts";
import { NAMED_CLASSES } from "../shared/detect/namer.ts";
import { numberFlag } from "./flags.ts";
import { modelChoice } from "./model-flag.ts";
import { type Flags, textOf } from "./shell.ts";

/** In percent, beside what the model knows of people's looks: measured in test/bench/LEARNING.md. */
const CERTAIN_PERCENT = 60;

/** `--faces MODEL|FILE`: who are the people that are seen? */
export const FACES_FLAGS = {
  faces: {
    type: "string",
    valueHint: "NAME|FILE",
    description: "A model of faces (train --network mlp) that names the people seen.",
  },
  "faces-of": {
    type: "string",
    valueHint: "CLASS,...",
    description: `Which classes are people (${NAMED_CLASSES.join(",")}).`,
  },
  "faces-certain": {
    type: "string",
    valueHint: "PERCENT",
    description: `How certain a name must be; below it somebody stays unknown (${CERTAIN_PERCENT}).`,
  },
} as const satisfies ArgsDef;

/** What the flags ask for. Throws `usage`. */
export function facesOptions(flags: Flags): FacesOptions | undefined {
  const model = textOf(flags, "faces");
  const classes = textOf(flags, "faces-of");
  const certain = numberFlag("faces-certain", textOf(flags, "faces-certain"), 0, 100);
  if (model === undefined) {
    if (classes === undefined && certain === undefined) return undefined;
    throw new AppError("usage", "--faces-of and --faces-certain need --faces", {
      hint: "add --faces people.onnx",
    });
  }
  return {
    model: modelChoice(model),
    classes: classes === undefined ? NAMED_CLASSES : classes.split(",").map((name) => name.trim()),
    scoreMin: (certain ?? CERTAIN_PERCENT) / 100,
  };
}

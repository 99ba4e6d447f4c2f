import { availableParallelism } from "node:os";
import { run } from "../../roles/tester/main.ts";
import { FACES_FLAGS, facesOptions } from "../faces-flags.ts";
import { choiceFlag, numberFlag, wholeFlag } from "../flags.ts";
import { KEEP_FLAGS, keepRules } from "../keep-flags.ts";
import { modelChoice } from "../model-flag.ts";
import { RULES_FLAGS, watchRules } from "../rules-flag.ts";
import { type Command, ROLE_FLAGS, textOf } from "../shell.ts";
import { addressFlag, addressList, PORTS, readyWriter, siteFor } from "./common.ts";

export const command: Command = {
  many: ["video"],
  definition: {
    meta: {
      name: "--role tester",
      description: "Runs the model on every camera and keeps the log of sightings.",
    },
    args: {
      trainer: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where models come from (found on the network when not given).",
      },
      video: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where cameras come from (found on the network when not given). Several may be given.",
      },
      model: {
        type: "string",
        valueHint: "NAME|FILE",
        description: "A model of the trainer's, or a file (the trainer's newest).",
      },
      ...FACES_FLAGS,
      data: {
        type: "string",
        valueHint: "DIR",
        description: "Where the log and its photos are kept (vigia-data).",
      },
      listen: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where watchers connect (0.0.0.0:7720).",
      },
      device: { type: "string", valueHint: "auto|cpu|gpu", description: "What computes (auto)." },
      threads: {
        type: "string",
        valueHint: "N",
        description: "Pictures looked at side by side (one a core, at most 8).",
      },
      fps: {
        type: "string",
        valueHint: "N",
        description: "Pictures of one camera looked at each second (5).",
      },
      ...RULES_FLAGS,
      ...KEEP_FLAGS,
      ...ROLE_FLAGS,
    },
  },
  async run(flags, context) {
    const model = textOf(flags, "model");
    const dataDir = textOf(flags, "data") ?? "vigia-data";
    await run(
      {
        site: await siteFor(flags, context),
        listen: addressFlag(flags, "listen", PORTS.tester) ?? { host: "0.0.0.0", port: PORTS.tester },
        dataDir,
        model: model === undefined ? { name: undefined } : modelChoice(model),
        faces: facesOptions(flags),
        trainer: addressFlag(flags, "trainer", PORTS.trainer),
        videos: addressList(context, "video", PORTS.video),
        device: choiceFlag("device", textOf(flags, "device") ?? "auto", ["auto", "cpu", "gpu"]),
        threads: wholeFlag("threads", textOf(flags, "threads"), 1, 64) ?? Math.min(8, availableParallelism()),
        framesPerSecondMax: numberFlag("fps", textOf(flags, "fps"), 0.1, 60) ?? 5,
        ...watchRules(flags, dataDir),
        keep: keepRules(flags),
        announce: true,
        ...readyWriter(flags),
      },
      context,
    );
  },
};

import { availableParallelism } from "node:os";
import { run } from "../../roles/worker/main.ts";
import { choiceFlag, wholeFlag } from "../flags.ts";
import { type Command, ROLE_FLAGS, textOf } from "../shell.ts";
import { addressFlag, PORTS, readyWriter, siteFor } from "./common.ts";

export const command: Command = {
  definition: {
    meta: { name: "--role worker", description: "Lends this machine to the trainer." },
    args: {
      trainer: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where the trainer is (found on the network when not given).",
      },
      listen: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Where other workers reach this one (0.0.0.0, any free port).",
      },
      threads: {
        type: "string",
        valueHint: "N",
        description: "Cores to use (all of them).",
      },
      device: { type: "string", valueHint: "auto|cpu|gpu", description: "What computes (auto)." },
      data: {
        type: "string",
        valueHint: "DIR",
        description: "Where to keep prepared pictures (a temporary folder).",
      },
      ...ROLE_FLAGS,
    },
  },
  async run(flags, context) {
    await run(
      {
        site: await siteFor(flags, context),
        trainer: addressFlag(flags, "trainer", PORTS.trainer),
        listen: addressFlag(flags, "listen", 0),
        threads: wholeFlag("threads", textOf(flags, "threads"), 1, 256) ?? availableParallelism(),
        device: choiceFlag("device", textOf(flags, "device") ?? "auto", ["auto", "cpu", "gpu"]),
        dataDir: textOf(flags, "data"),
        ...readyWriter(flags),
      },
      context,
    );
  },
};

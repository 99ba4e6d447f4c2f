import { run } from "../../roles/trainer/main.ts";
import { type Command, ROLE_FLAGS, textOf } from "../shell.ts";
import { addressFlag, PORTS, readyWriter, siteFor } from "./common.ts";

export const command: Command = {
  definition: {
    meta: { name: "--role trainer", description: "Keeps data sets and models; leads the training." },
    args: {
      listen: { type: "string", valueHint: "HOST:PORT", description: "Where to listen (0.0.0.0:7700)." },
      data: { type: "string", valueHint: "DIR", description: "Where to keep everything (vigia-data)." },
      ...ROLE_FLAGS,
    },
  },
  async run(flags, context) {
    await run(
      {
        site: await siteFor(flags, context),
        listen: addressFlag(flags, "listen", PORTS.trainer) ?? { host: "0.0.0.0", port: PORTS.trainer },
        dataDir: textOf(flags, "data") ?? "vigia-data",
        announce: true,
        ...readyWriter(flags),
      },
      context,
    );
  },
};

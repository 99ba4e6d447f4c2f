import { run } from "../../roles/watcher/main.ts";
import { type Command, isSet, ROLE_FLAGS } from "../shell.ts";
import { addressFlag, addressList, PORTS, readyWriter, siteFor } from "./common.ts";

export const command: Command = {
  many: ["tester"],
  definition: {
    meta: { name: "--role watcher", description: "Shows the log, live, in a browser or a terminal." },
    args: {
      tester: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "Whose log to show (found on the network when not given). Several may be given.",
      },
      http: { type: "string", valueHint: "HOST:PORT", description: "Where the page is (127.0.0.1:8080)." },
      terminal: { type: "boolean", description: "Show the log here instead, with small pictures." },
      ...ROLE_FLAGS,
    },
  },
  async run(flags, context) {
    await run(
      {
        site: await siteFor(flags, context),
        testers: addressList(context, "tester", PORTS.tester),
        http: addressFlag(flags, "http", PORTS.page) ?? { host: "127.0.0.1", port: PORTS.page },
        terminal: isSet(flags, "terminal"),
        ...readyWriter(flags),
      },
      context,
    );
  },
};

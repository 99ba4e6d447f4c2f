import { siteFor } from "../roles/common.ts";
import { COMMON_FLAGS, type Command } from "../shell.ts";

export const command: Command = {
  definition: {
    meta: {
      name: "token",
      description: "Show the site key that joins machines (made at the first start).",
    },
    args: { ...COMMON_FLAGS },
  },
  async run(flags, context) {
    const site = await siteFor(flags, context);
    context.print(site.token);
  },
};

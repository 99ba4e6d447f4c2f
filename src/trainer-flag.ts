import type { ArgsDef } from "citty";
import { connect } from "../shared/net/connect.ts";
import type { Connection } from "../shared/net/connection.ts";
import { discover } from "../shared/net/discovery.ts";
import { addressFlag, PORTS, siteFor } from "./roles/common.ts";
import type { CommandContext, Flags } from "./shell.ts";

const DISCOVER_WITHIN_MS = 5000;

/** `--trainer`, of commands that ask a trainer something. */
export const TRAINER_FLAG = {
  trainer: {
    type: "string",
    valueHint: "HOST:PORT",
    description: "Where the trainer is (found on the network when not given).",
  },
} as const satisfies ArgsDef;

/**
 * A way to the trainer that the flags name, or that the network knows: looks it up now, and connects as often as it
 * is called.
 *
 * @param signal gives the link up; the command's own when absent
 * @throws {AppError} `unavailable` when there is none, `refused` when its site key is another
 */
export async function trainerDialer(
  flags: Flags,
  context: CommandContext,
  signal: AbortSignal = context.signal,
): Promise<() => Promise<Connection>> {
  const site = await siteFor(flags, context);
  const { log } = context;
  const address =
    addressFlag(flags, "trainer", PORTS.trainer) ??
    (await discover({
      site,
      role: "trainer",
      signal: context.signal,
      log,
      timeoutMs: DISCOVER_WITHIN_MS,
    }));
  return () => connect({ site, role: "client", address, expect: ["trainer"], signal });
}

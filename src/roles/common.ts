import { AppError } from "../../shared/base/errors.ts";
import { replaceFile } from "../../shared/base/replace-file.ts";
import { parseAddress } from "../../shared/net/address.ts";
import type { Address } from "../../shared/net/connection.ts";
import { openSite, type Site } from "../../shared/net/site.ts";
import { type CommandContext, type Flags, textOf } from "../shell.ts";

/** Ports of the roles, as the design fixes them. */
export const PORTS = { trainer: 7700, video: 7710, tester: 7720, rtsp: 8554, page: 8080 } as const;

/** The address of a flag, or `undefined` where it was not given. Throws `usage`. */
export function addressFlag(flags: Flags, name: string, port: number): Address | undefined {
  const text = textOf(flags, name);
  return text === undefined ? undefined : parseAddress(text, port);
}

/** The addresses of a flag that may be given several times. Throws `usage`. */
export function addressList(context: CommandContext, name: string, port: number): Address[] {
  return (context.many[name] ?? []).map((text) => parseAddress(text, port));
}

/** The site whose key this machine holds. Throws `refused` with what to do about a bad key. */
export function siteFor(flags: Flags, context: CommandContext): Promise<Site> {
  const token = textOf(flags, "token");
  return openSite({ ...(token !== undefined && { token }), log: context.log });
}

/** A camera's name may stand once. Throws `usage`. */
export function refuseDoubles(names: readonly string[]): void {
  const double = names.find((name, i) => names.indexOf(name) !== i);
  if (double !== undefined) throw new AppError("usage", `two cameras are called ${double}`);
}

/** Writes the `--ready` file, whole or not at all, when a role listens. */
export function readyWriter(flags: Flags): {
  readonly onReady?: (ready: Address | { address: Address }) => void;
} {
  const path = textOf(flags, "ready");
  if (path === undefined) return {};
  return {
    onReady: (ready) => {
      const address = "address" in ready ? ready.address : ready;
      replaceFile(path, Buffer.from(JSON.stringify({ address })));
    },
  };
}

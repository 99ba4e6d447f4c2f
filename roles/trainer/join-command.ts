import { networkInterfaces } from "node:os";
import { formatAddress } from "../../shared/net/address.ts";
import type { Address } from "../../shared/net/connection.ts";

/** How to make another machine a worker of this trainer. It holds the site key: for the terminal. */
export function joinHelp(listening: Address, token: string): string {
  const address = { host: reachableHost(listening.host), port: listening.port };
  return [
    "To add a machine, start this there:",
    `  vigia --role worker --trainer ${formatAddress(address)} --token ${token}`,
  ].join("\n");
}

/** An address of this machine that others can reach, where the trainer listens on all of them. */
function reachableHost(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
  // Addresses of containers and virtual machines are listed too; those of homes and offices are likelier.
  return outward.find((address) => /^(192\.168|10)\./.test(address)) ?? outward[0] ?? "127.0.0.1";
}

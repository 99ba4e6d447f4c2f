import { networkInterfaces } from "node:os";
import { formatAddress, isLoopback } from "../../shared/net/address.ts";
import type { Address } from "../../shared/net/connection.ts";

/**
 * How to make another machine a worker of this trainer. It holds the site key: for the terminal.
 *
 * @param own addresses of this machine that others may reach, where the trainer listens on all of them
 */
export function joinHelp(
  { host, port }: Address,
  token: string,
  own: readonly string[] = outwardAddresses(),
): string {
  if (isLoopback(host))
    return `Only this machine's workers reach ${host}: --listen 0.0.0.0:${port} is for others too`;
  const isOpen = host === "0.0.0.0" || host === "::";
  const [first = "127.0.0.1", ...others] = isOpen ? own : [host];
  const also = others.map((address) => formatAddress({ host: address, port })).join(", ");
  return [
    "To add a machine, start this there:",
    `  vigia --role worker --trainer ${formatAddress({ host: first, port })} --token ${token}`,
    ...(also === "" ? [] : [`  (this machine is ${also} too; on one network, --trainer may be left out)`]),
  ].join("\n");
}

/** Addresses of containers and virtual machines are among them; those of homes and offices are likelier, and first. */
function outwardAddresses(): string[] {
  const all = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
  const likely = all.filter((address) => /^(192\.168|10)\./.test(address));
  return [...likely, ...all.filter((address) => !likely.includes(address))];
}

import { isIPv6 } from "node:net";
import { AppError } from "../base/errors.ts";
import type { Address } from "./connection.ts";

/**
 * Reads `HOST:PORT`, `HOST`, `PORT`, `:PORT`, `[IPv6]:PORT` or a bare IPv6 address. Throws `usage`.
 *
 * @param defaultHost where only a port is given
 */
export function parseAddress(text: string, defaultPort: number, defaultHost = "127.0.0.1"): Address {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return { host: defaultHost, port: parsePort(trimmed, text) };
  if (isIPv6(trimmed)) return { host: trimmed, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([^\s:[\]/]*))(?::(\d+))?$/.exec(trimmed);
  const host = match?.[1] ?? match?.[2];
  const badLiteral = match?.[1] !== undefined && !isIPv6(match[1]);
  if (match === null || host === undefined || badLiteral || (host === "" && match[3] === undefined)) {
    throw new AppError("usage", `not an address: ${JSON.stringify(text)}`, {
      hint: "write HOST:PORT, such as 192.168.1.20:7700, trainer.local:7700 or [fe80::1]:7700",
    });
  }
  const port = match[3] === undefined ? defaultPort : parsePort(match[3], text);
  return { host: host === "" ? defaultHost : host, port };
}

/** `host:port`, with brackets round an IPv6 host. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host of a socket's end, with an IPv4 address that came through an IPv6 socket in its plain form. */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/**
 * An address that `teller`, a peer at another host, has told us. Its own loopback is not ours: what it reaches there
 * we reach at the teller's host.
 */
export function asToldBy(teller: Address, address: Address): Address {
  return isLoopback(address.host) ? { host: teller.host, port: address.port } : address;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function parsePort(digits: string, text: string): number {
  const port = Number(digits);
  if (port > 65_535) {
    throw new AppError("usage", `no such port: ${digits} in ${JSON.stringify(text)}`, {
      hint: "ports go from 1 to 65535",
    });
  }
  return port;
}

/** A `Transport` field (RFC 2326 section 12.39), as far as unicast needs it. */
export interface Transport {
  readonly protocol: "tcp" | "udp";
  readonly interleaved: readonly [rtp: number, rtcp: number] | undefined;
  readonly clientPorts: readonly [rtp: number, rtcp: number] | undefined;
  readonly serverPorts: readonly [rtp: number, rtcp: number] | undefined;
  /** Where packets come from when it is not the RTSP peer. */
  readonly source: string | undefined;
  readonly ssrc: number | undefined;
  readonly multicast: boolean;
}

/** Reads one transport of a field that may offer several. Anything unknown is passed over. */
export function parseTransport(text: string): Transport {
  const parts = text.split(";").map((part) => part.trim());
  const value = (name: string) => {
    const found = parts.find((part) => part.toLowerCase().startsWith(`${name}=`));
    return found?.slice(name.length + 1).trim();
  };
  const ssrc = /^[0-9a-f]{1,8}$/i.exec(value("ssrc") ?? "")?.[0];
  const source = value("source");
  return {
    protocol: /\/tcp$/i.test(parts[0] ?? "") ? "tcp" : "udp",
    interleaved: pair(value("interleaved"), 0, 255),
    // Nothing can be sent to port 0, which some cameras name for "none".
    clientPorts: pair(value("client_port"), 1, 65_535),
    serverPorts: pair(value("server_port"), 1, 65_535),
    source: source === undefined || source === "" ? undefined : source,
    ssrc: ssrc === undefined ? undefined : Number.parseInt(ssrc, 16),
    multicast: parts.some((part) => part.toLowerCase() === "multicast"),
  };
}

/** The transports that a client offers, in its order; commas part them. */
export function parseTransports(text: string): Transport[] {
  return text.split(",").map(parseTransport);
}

function pair(text: string | undefined, least: number, most: number): readonly [number, number] | undefined {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text ?? "");
  if (found === null) return undefined;
  const first = Number(found[1]);
  const second = found[2] === undefined ? first + 1 : Number(found[2]);
  return [first, second].every((one) => one >= least && one <= most) ? [first, second] : undefined;
}

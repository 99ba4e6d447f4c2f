import { randomBytes, timingSafeEqual } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { AppError } from "../base/errors.ts";
import { type Log, silentLog } from "../base/log.ts";
import { deferred, onAbort } from "../base/wait.ts";
import { type MessageKind, messageTag } from "../wire/message.ts";
import { HereIAm, WhoIsThere } from "../wire/messages/discovery.ts";
import { isLoopback } from "./address.ts";
import type { Address, NodeRole } from "./connection.ts";
import { printable } from "./greeting.ts";
import type { Site } from "./site.ts";

/*
 * Who looks for a node asks the multicast group, on every interface of this machine and once a second; nodes that
 * play the part answer the asker directly. Both carry a MAC with the site key, and the answer the question's nonce.
 * node:dgram, because its `reuseAddr` lets several processes of one machine listen (Bun.udpSocket does not).
 */

/** Administratively scoped, never routed beyond the site (RFC 2365). */
const GROUP = "239.255.77.1";
const DEFAULT_PORT = 7701;
const QUERY_INTERVAL_MS = 1000;
/** Interfaces come and go: Wi-Fi after sleep, a cable. */
const REJOIN_INTERVAL_MS = 10_000;
const MAC_BYTES = 32;
const DATAGRAM_BYTES_MAX = 1024;
/** Machines of other sites that are told of. */
const STRANGER_COUNT_MAX = 100;
/** Silence after which a person is told that nobody has been found yet. */
const PATIENCE_MS = 5000;

/** The port that nodes of a site ask on; 0 when finding is switched off (`VIGIA_DISCOVERY_PORT=0`). */
function discoveryPort(env: NodeJS.ProcessEnv = process.env): number {
  const port = Number(env.VIGIA_DISCOVERY_PORT ?? DEFAULT_PORT);
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : DEFAULT_PORT;
}

export interface AnnounceOptions {
  readonly site: Site;
  readonly role: NodeRole;
  /** Where the listener takes links. */
  readonly address: Address;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/**
 * Answers those who look for this node until disposed or until `signal` aborts. Never fails: where it cannot, it says
 * so once and tries again.
 */
export function announce({ site, role, address, signal, log }: AnnounceOptions): Disposable {
  const port = discoveryPort();
  if (port === 0 || signal.aborted) return { [Symbol.dispose]() {} };
  const local = isLoopback(address.host);
  const tell = tellOnce(log);
  const strangers = new Set<string>();
  const joined = new Set<string>();
  let socket: Socket | undefined;

  listen();
  const timer = setInterval(() => (socket === undefined ? listen() : join(socket)), REJOIN_INTERVAL_MS);

  function listen(): void {
    const opened = openSocket((error) => {
      socket = undefined;
      tell(error);
    });
    socket = opened;
    joined.clear();
    opened.on("message", (datagram, from) => answer(opened, datagram, from));
    opened.bind({ port, exclusive: false }, () => join(opened));
  }
  function answer(socket: Socket, datagram: Buffer, from: RemoteInfo): void {
    if (local && !ownAddresses().includes(from.address)) return;
    const asked = open(site, WhoIsThere, datagram);
    if (asked === undefined) noteStranger(datagram, from);
    if (asked?.roles.includes(role) !== true) return;
    const host = isUnspecified(address.host) ? "" : address.host;
    const { name, nodeId } = site;
    send(
      socket,
      seal(site, HereIAm, { nonce: asked.nonce, role, name, nodeId, host, port: address.port }),
      from,
    );
  }
  function join(socket: Socket): void {
    const present = ownAddresses();
    for (const gone of [...joined].filter((address) => !present.includes(address))) joined.delete(gone);
    for (const own of present) {
      if (joined.has(own)) continue;
      try {
        socket.addMembership(GROUP, own);
        joined.add(own);
      } catch (error) {
        log.debug("cannot be found through this interface", { address: own, error });
      }
    }
  }
  function noteStranger(datagram: Buffer, { address: host }: RemoteInfo): void {
    const asks = datagram.length > MAC_BYTES && messageTag(datagram) === WhoIsThere.tag;
    if (!asks || strangers.has(host) || strangers.size >= STRANGER_COUNT_MAX) return;
    strangers.add(host);
    log.info("a machine with another site key looks for this site; give it this site's --token", { host });
  }
  const abort = onAbort(signal, stop);
  function stop(): void {
    clearInterval(timer);
    socket?.removeAllListeners("message");
    if (socket !== undefined) close(socket);
  }
  return {
    [Symbol.dispose]() {
      abort[Symbol.dispose]();
      stop();
    },
  };
}

/** A node that answered. */
export interface FoundNode {
  readonly role: NodeRole;
  readonly name: string;
  readonly nodeId: string;
  readonly address: Address;
}

export interface DiscoverOptions {
  readonly site: Site;
  /** The part that is looked for. */
  readonly role: NodeRole;
  readonly signal: AbortSignal;
  readonly log?: Log;
  /** Without it the search goes on until `signal` aborts. */
  readonly timeoutMs?: number | undefined;
}

/**
 * The address of a node of this site that plays `role`: the first that answers. Throws `unavailable` when none has
 * within `timeoutMs` or when finding is switched off, and `cancelled` when `signal` aborts.
 */
export async function discover(options: DiscoverOptions): Promise<Address> {
  const { role, signal, log = silentLog, timeoutMs } = options;
  const found = deferred<FoundNode>();
  const hint = `start it (vigia --role ${role}); on another machine start this with the --token it prints, or name it: --${role} HOST:PORT`;
  if (discoveryPort() === 0)
    throw new AppError("unavailable", `which ${role}? Finding it is switched off`, { hint });
  const patience = setTimeout(() => log.info(`no ${role} found yet, still looking`, { hint }), PATIENCE_MS);
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () =>
            found.reject(
              new AppError("unavailable", `no ${role} found within ${timeoutMs / 1000} s`, { hint }),
            ),
          timeoutMs,
        );
  using _abort = onAbort(signal, () => {
    found.reject(new AppError("cancelled", `the search for a ${role} was given up`));
  });
  using _search = search(options, (node) => found.resolve(node));
  try {
    const { name, address } = await found.promise;
    log.info(`found the ${role}`, { name, host: address.host, port: address.port });
    return address;
  } finally {
    clearTimeout(patience);
    clearTimeout(timer);
  }
}

/** Every node of this site that plays `role` and answers within `forMs`, in order of their answers. */
export async function discoverAll(
  options: DiscoverOptions,
  forMs = 2 * QUERY_INTERVAL_MS,
): Promise<FoundNode[]> {
  const nodes = new Map<string, FoundNode>();
  if (discoveryPort() === 0) return [];
  const over = deferred();
  const timer = setTimeout(over.resolve, forMs);
  using _abort = onAbort(options.signal, over.resolve);
  using _search = search(options, (node) => {
    if (!nodes.has(node.nodeId)) nodes.set(node.nodeId, node);
  });
  await over.promise;
  clearTimeout(timer);
  return [...nodes.values()];
}

/** Asks until disposed, and reports each answer. */
function search(
  { site, role, log = silentLog }: DiscoverOptions,
  onAnswer: (node: FoundNode) => void,
): Disposable {
  const nonce = randomBytes(16);
  const question = seal(site, WhoIsThere, { roles: [role], nonce });
  const group = { address: GROUP, port: discoveryPort() };
  const tell = tellOnce(log);
  const sockets = new Map<string, Socket>(); // one for each address of this machine

  function ask(): void {
    for (const own of ownAddresses()) {
      const known = sockets.get(own);
      if (known !== undefined) {
        send(known, question, group);
        continue;
      }
      const socket = openSocket((error) => {
        sockets.delete(own);
        tell(error);
      });
      sockets.set(own, socket);
      socket.on("message", hear);
      socket.bind({ address: own, port: 0, exclusive: true }, () => {
        try {
          socket.setMulticastInterface(own);
          socket.setMulticastTTL(1);
          socket.setMulticastLoopback(true);
          send(socket, question, group);
        } catch (error) {
          log.debug("cannot ask through this interface", { address: own, error });
        }
      });
    }
  }
  function hear(datagram: Buffer, from: RemoteInfo): void {
    const answer = open(site, HereIAm, datagram);
    if (answer === undefined || !nonce.equals(answer.nonce) || answer.role !== role) return;
    const host = answer.host === "" ? from.address : answer.host;
    const { nodeId, port } = answer;
    onAnswer({ role, nodeId, name: printable(answer.name), address: { host, port } });
  }

  ask();
  const timer = setInterval(ask, QUERY_INTERVAL_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const socket of sockets.values()) close(socket);
    },
  };
}

function seal<T>(site: Site, kind: MessageKind<T>, value: T): Buffer {
  const body = kind.encode(value);
  return Buffer.concat([body, site.mac("discovery", [body])]);
}

/** What a datagram says, or `undefined` when it is not of this kind and site. */
function open<T>(site: Site, kind: MessageKind<T>, datagram: Buffer): T | undefined {
  if (datagram.length <= MAC_BYTES || datagram.length > DATAGRAM_BYTES_MAX) return undefined;
  const body = datagram.subarray(0, -MAC_BYTES);
  if (!timingSafeEqual(site.mac("discovery", [body]), datagram.subarray(-MAC_BYTES))) return undefined;
  try {
    return kind.decode(Buffer.from(body));
  } catch {
    return undefined;
  }
}

/**
 * What the system tells of datagrams that did not arrive, at the next use of the socket: whoever asked has gone, or a
 * network has. The socket is as good as before.
 */
const UNDELIVERED = /^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN)$/;

/** A socket whose troubles end nothing but itself. */
function openSocket(onError: (error: Error) => void): Socket {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.on("error", (error) => {
    if ("code" in error && UNDELIVERED.test(String(error.code))) return;
    close(socket);
    onError(error);
  });
  socket.unref();
  return socket;
}

/** Says it the first time. */
function tellOnce(log: Log): (error: Error) => void {
  let told = false;
  return (error) => {
    if (!told) log.warn("finding nodes on this network does not work; addresses do", { error });
    told = true;
  };
}

function send(socket: Socket, datagram: Buffer, to: { address: string; port: number }): void {
  // An interface without a route, or a peer that has gone: the next question tries again.
  socket.send(datagram, to.port, to.address, () => {});
}

function close(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It was never bound, or is closed.
  }
}

/** The IPv4 addresses of this machine, loopback included. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === "IPv4")
    .map(({ address }) => address);
}

function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

import { silentLog } from "../../../shared/base/log.ts";
import { type ConnectOptions, connect } from "../../../shared/net/connect.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { type Listener, type ListenOptions, listen } from "../../../shared/net/listener.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { bytes, text, u32 } from "../../../shared/wire/codec.ts";
import { defineMessage } from "../../../shared/wire/message.ts";

/** Messages that tests send; 0xf2xx is theirs. */
export const Note = defineMessage(0xf201, "Note", { words: text(1000) });
export const Parcel = defineMessage(0xf202, "Parcel", { number: u32, contents: bytes(4 * 1024 * 1024) });

export const KEY = Buffer.alloc(16, 1);
export const OTHER_KEY = Buffer.alloc(16, 2);

/** A trainer that takes workers on a free port of loopback, until `signal` aborts. */
export function listenHere(
  signal: AbortSignal,
  onConnection: ListenOptions["onConnection"],
  more: Partial<ListenOptions> = {},
): Promise<Listener> {
  return listen({
    site: siteOf(KEY, "the trainer"),
    role: "trainer",
    host: "127.0.0.1",
    port: 0,
    accept: ["worker"],
    signal,
    log: silentLog,
    onConnection,
    ...more,
  });
}

/** A worker that connects to it. */
export function connectTo(
  address: Listener["address"],
  signal: AbortSignal,
  more: Partial<ConnectOptions> = {},
): Promise<Connection> {
  return connect({
    site: siteOf(KEY, "a worker"),
    role: "worker",
    address,
    expect: ["trainer"],
    signal,
    ...more,
  });
}

/** A listener, a link to it and the listener's end of that link. Disposing closes all. */
export async function pair(
  more: { listen?: Partial<ListenOptions>; connect?: Partial<ConnectOptions> } = {},
): Promise<
  AsyncDisposable & { near: Connection; far: Connection; listener: Listener; stop: AbortController }
> {
  const stop = new AbortController();
  const accepted = Promise.withResolvers<Connection>();
  const listener = await listenHere(stop.signal, (link) => accepted.resolve(link), more.listen);
  const near = await connectTo(listener.address, stop.signal, more.connect);
  const far = await accepted.promise;
  return {
    near,
    far,
    listener,
    stop,
    async [Symbol.asyncDispose]() {
      await Promise.all([near.close(), listener[Symbol.asyncDispose]()]);
    },
  };
}

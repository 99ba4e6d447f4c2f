import type { Socket } from "bun";
import type { Address } from "../../../shared/net/connection.ts";

type Pipe = { other: Socket<Pipe> | undefined; waiting: Buffer[] };

/**
 * A TCP relay in front of `target` that passes each chunk on as `cut` has it. It ends TLS when given a certificate,
 * as somebody in the middle would.
 */
export function relayTo(
  target: Address,
  {
    cut = (chunk) => [chunk],
    tls,
  }: { cut?: (chunk: Buffer) => Buffer[]; tls?: { key: string; cert: string } } = {},
): Disposable & { readonly address: Address } {
  const pass = (socket: Socket<Pipe>): void => {
    const { other, waiting } = socket.data;
    while (other !== undefined && waiting.length > 0) {
      const taken = other.write(waiting[0]!);
      if (taken < waiting[0]!.length) {
        waiting[0] = waiting[0]!.subarray(Math.max(0, taken));
        return;
      }
      waiting.shift();
    }
  };
  const handlers = {
    data(socket: Socket<Pipe>, chunk: Buffer) {
      for (const piece of cut(Buffer.from(chunk))) socket.data.waiting.push(piece);
      pass(socket);
    },
    drain(socket: Socket<Pipe>) {
      if (socket.data.other !== undefined) pass(socket.data.other);
    },
    handshake() {}, // whatever the certificate
    close(socket: Socket<Pipe>) {
      socket.data.other?.end();
    },
    error() {},
  };
  const server = Bun.listen<Pipe>({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls && { tls }),
    socket: {
      ...handlers,
      async open(socket) {
        socket.data = { other: undefined, waiting: [] };
        await Bun.connect<Pipe>({
          hostname: target.host,
          port: target.port,
          ...(tls && { tls: { rejectUnauthorized: false } }),
          socket: {
            ...handlers,
            open(other) {
              other.setNoDelay(true);
              other.data = { other: socket, waiting: [] };
              socket.data.other = other;
              pass(socket);
            },
          },
        });
      },
    },
  });
  return {
    address: { host: "127.0.0.1", port: server.port },
    [Symbol.dispose]: () => server.stop(true),
  };
}

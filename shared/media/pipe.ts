import type { FdSocketOptions, TCPSocketConnectOptions } from "bun";

/**
 * What a process writes to a pipe beyond the three that Bun reads itself, which it hands over as a bare descriptor.
 * Read as a socket, since that closes it at its end. `Bun.file(descriptor).stream()` leaves it open; and closing it by
 * hand leaves Bun's watch on the number, which deafens the next connection that gets it.
 */
export async function readPipe(descriptor: number): Promise<ReadableStream<Uint8Array>> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const options: FdSocketOptions = {
    fd: descriptor,
    socket: {
      data: (_, chunk) => void writer.write(chunk.slice()).catch(() => {}), // its memory is used again
      close: () => void writer.close().catch(() => {}),
    },
  };
  // Bun takes these options too; its declaration of `connect` does not say so.
  await Bun.connect(options as unknown as TCPSocketConnectOptions);
  return readable;
}

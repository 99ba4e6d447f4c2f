import { connect, createServer, type Server, type Socket } from "node:net";
import type { Address } from "../../shared/net/connection.ts";

/**
 * The cable of a camera: what connects here reaches the camera, until it is pulled. Connections then break at once
 * (`cut`: the camera's plug, with a router in between that says so), or fall silent (`dark`: nobody says anything);
 * what is heard from these after the camera has started anew is answered with a reset, as by a machine that knows
 * nothing of them. No new connection is taken meanwhile.
 */
export class Plug implements Disposable {
  readonly #camera: Address;
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  #server: Server | undefined;
  /** Silent connections to a camera that is away. */
  readonly #dark = new Set<Socket>();
  port = 0;

  private constructor(camera: Address) {
    this.#camera = camera;
  }

  static async open(camera: Address): Promise<Plug> {
    const plug = new Plug(camera);
    await plug.in();
    return plug;
  }

  /** Plugs the camera in, at the port that it had. */
  async in(): Promise<void> {
    const server = createServer((socket) => this.#pass(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as { port: number }).port;
    for (const socket of this.#dark) {
      socket.on("data", () => socket.resetAndDestroy());
      socket.resume();
    }
    this.#dark.clear();
  }

  pull(how: "cut" | "dark"): void {
    this.#server?.close();
    for (const { near, far } of this.#pairs) {
      far.unpipe(near);
      near.unpipe(far);
      near.removeAllListeners("data");
      if (how === "cut") near.resetAndDestroy();
      else this.#dark.add(near.pause());
      far.destroy();
    }
    this.#pairs.clear();
  }

  [Symbol.dispose](): void {
    this.pull("cut");
    for (const socket of this.#dark) socket.destroy();
  }

  #pass(near: Socket): void {
    const far = connect(this.#camera);
    const pair = { near, far };
    this.#pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const socket of [near, far]) socket.on("error", () => {});
    near.on("close", () => {
      this.#pairs.delete(pair);
      this.#dark.delete(near);
      far.destroy();
    });
  }
}

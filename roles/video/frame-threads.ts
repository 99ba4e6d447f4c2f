import { AppError } from "../../shared/base/errors.ts";
import { type Deferred, deferred } from "../../shared/base/wait.ts";
import type { DrawReply, DrawRequest } from "./frames.thread.ts";
import type { JpegPicture } from "./sources/source.ts";

export type Scene = Omit<DrawRequest["scene"], "id">;

/** Threads that draw and encode, so that the sockets of this process stay quick. A thread starts with its first scene. */
export class FrameThreads implements Disposable {
  readonly #threads: DrawThread[] = [];
  readonly #count: number;
  #scenes = 0;

  constructor(count: number) {
    this.#count = Math.max(1, count);
  }

  /** A way to draw one scene, always on the same thread. */
  open(scene: Scene): (mediaMs: number) => Promise<JpegPicture> {
    const id = this.#scenes++;
    const place = id % this.#count;
    this.#threads[place] ??= new DrawThread();
    const thread = this.#threads[place];
    const { width, height } = scene;
    return async (mediaMs) => ({ width, height, jpeg: await thread.draw({ ...scene, id }, mediaMs) });
  }

  [Symbol.dispose](): void {
    for (const thread of this.#threads) thread.stop();
  }
}

class DrawThread {
  readonly #worker = new Worker(new URL("./frames.thread.ts", import.meta.url));
  readonly #waiting = new Map<number, Deferred<Uint8Array>>();
  #requests = 0;
  #failure: AppError | undefined;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<DrawReply>) => {
      const waiter = this.#waiting.get(data.requestId);
      this.#waiting.delete(data.requestId);
      if ("jpeg" in data) waiter?.resolve(data.jpeg);
      else waiter?.reject(new AppError("bug", "drawing a synthetic frame failed", { cause: data.error }));
    };
    this.#worker.onerror = ({ message }) =>
      this.#fail(new AppError("bug", "the drawing thread broke", { cause: message }));
  }

  draw(scene: DrawRequest["scene"], mediaMs: number): Promise<Uint8Array> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const requestId = this.#requests++;
    const waiter = deferred<Uint8Array>();
    this.#waiting.set(requestId, waiter);
    this.#worker.postMessage({ requestId, scene, mediaMs } satisfies DrawRequest);
    return waiter.promise;
  }

  stop(): void {
    this.#fail(new AppError("cancelled", "the drawing thread was stopped"));
    this.#worker.terminate();
  }

  #fail(error: AppError): void {
    this.#failure = error;
    for (const waiter of this.#waiting.values()) waiter.reject(error);
    this.#waiting.clear();
  }
}

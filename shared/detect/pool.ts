import { AppError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Deferred, deferred } from "../base/wait.ts";
import type { DeviceChoice } from "../nn/engine.ts";
import type { ModelInfo } from "../nn/model-file.ts";
import type { Seen } from "./look/look-at.ts";
import type { DetectOptions } from "./model.ts";
import type { Box } from "./types.ts";

/** From the pool to one of its threads. */
export type PoolRequest =
  | {
      readonly kind: "load";
      readonly request: number;
      readonly loading: number;
      readonly file: Uint8Array;
      readonly device: DeviceChoice;
    }
  | {
      readonly kind: "name";
      readonly request: number;
      readonly file: Uint8Array;
      readonly classes: readonly string[];
      readonly device: DeviceChoice;
    }
  | {
      readonly kind: "detect";
      readonly request: number;
      readonly jpeg: Uint8Array;
      readonly options: PoolLook;
    };

/** From a thread back to the pool. */
export type PoolReply =
  | { readonly kind: "loaded"; readonly request: number; readonly info: ModelInfo; readonly engine: string }
  | { readonly kind: "naming"; readonly request: number; readonly people: readonly string[] }
  | ({ readonly kind: "detected"; readonly request: number } & Detected)
  | {
      readonly kind: "failed";
      readonly request: number;
      readonly error: string;
      readonly hint: string | undefined;
    };

/** How a picture is to be looked at. */
export interface PoolLook extends DetectOptions {
  /** Parts of the picture, in its pixels; all of it when absent. */
  readonly regions?: readonly Box[] | undefined;
}

/** What the model saw on one picture. */
export interface Detected extends Seen {
  readonly width: number;
  readonly height: number;
  /** The `LoadedModel.loading` of the model that saw it: while a model is loaded, some threads have the one before. */
  readonly loading: number;
}

export interface LoadedModel {
  readonly info: ModelInfo;
  readonly engine: string;
  /** Counts the models that the pool has loaded, from 1. */
  readonly loading: number;
}

interface PoolThread {
  readonly worker: Worker;
  readonly waiting: Map<number, Deferred<PoolReply>>;
  /** Why it answers nothing any more. */
  failure: AppError | undefined;
}

const startThread = (): Worker => new Worker(new URL("./detect.thread.ts", import.meta.url).href);

/**
 * Threads that each hold the model and look at whole pictures: decoding, the network and box selection all happen
 * there, so the main thread only moves messages. Work goes to the thread with the least to do. One that fails is left
 * out from then on.
 */
export class DetectPool implements AsyncDisposable {
  readonly #threads: PoolThread[];
  readonly #log: Log;
  #nextRequest = 1;
  #loadings = 0;

  /** @param start starts a thread; another one in tests */
  constructor(threadCount: number, log: Log, start = startThread) {
    this.#log = log;
    this.#threads = Array.from({ length: threadCount }, () => this.#watch(start()));
  }

  get size(): number {
    return this.#threads.length;
  }

  /** Whether a picture that came now would be looked at now. */
  get hasIdleThread(): boolean {
    return this.#threads.some(({ waiting, failure }) => waiting.size === 0 && failure === undefined);
  }

  /** Puts a model in every thread; pictures already under way are finished with the old one. Throws `input`. */
  async load(file: Uint8Array, device: DeviceChoice): Promise<LoadedModel> {
    const loading = ++this.#loadings;
    const replies = await Promise.all(
      this.#alive().map((thread) =>
        this.#ask(thread, (request) => ({ kind: "load", request, loading, file, device })),
      ),
    );
    const first = replies[0];
    if (first?.kind !== "loaded") throw new AppError("bug", "a detection thread gave no answer to a model");
    return { info: first.info, engine: first.engine, loading };
  }

  /**
   * Puts a face model in every thread: from now on detections of `classes` carry a guess who it is.
   *
   * @returns who the model knows
   * @throws {AppError} `input` where the file is no face model
   */
  async nameWith(
    file: Uint8Array,
    classes: readonly string[],
    device: DeviceChoice,
  ): Promise<readonly string[]> {
    const replies = await Promise.all(
      this.#alive().map((thread) =>
        this.#ask(thread, (request) => ({ kind: "name", request, file, classes, device })),
      ),
    );
    const first = replies[0];
    if (first?.kind !== "naming") throw new AppError("bug", "a detection thread gave no answer to a model");
    return first.people;
  }

  /**
   * @param jpeg copied, so that the caller keeps it
   * @param options `minScore` instead of the model's own thresholds
   */
  async detect(jpeg: Uint8Array, options: PoolLook = {}): Promise<Detected> {
    const idlest = this.#alive().reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
    // Not slice(): that of a Buffer is a view, and its whole message would move to the thread.
    const own = new Uint8Array(jpeg);
    const reply = await this.#ask(
      idlest,
      (request) => ({ kind: "detect", request, jpeg: own, options }),
      own.buffer,
    );
    if (reply.kind !== "detected") throw new AppError("bug", "a detection thread mixed up its answers");
    const { width, height, loading, detections, hasCut } = reply;
    return { width, height, loading, detections, hasCut };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const thread of this.#threads) {
      thread.worker.terminate();
      end(thread, new AppError("cancelled", "detection stopped"));
    }
  }

  /** @throws {AppError} why the last thread failed, where none is left */
  #alive(): PoolThread[] {
    const alive = this.#threads.filter(({ failure }) => failure === undefined);
    if (alive.length === 0) throw this.#threads.at(-1)!.failure!;
    return alive;
  }

  #watch(worker: Worker): PoolThread {
    const thread: PoolThread = { worker, waiting: new Map(), failure: undefined };
    const { waiting } = thread;
    worker.onmessage = ({ data }: MessageEvent<PoolReply>) => {
      const one = waiting.get(data.request);
      waiting.delete(data.request);
      if (data.kind === "failed") one?.reject(new AppError("input", data.error, { hint: data.hint }));
      else one?.resolve(data);
    };
    // After an error that nobody caught, a thread ends.
    worker.onerror = ({ message }) => {
      this.#log.error("a detection thread failed", { error: message });
      end(thread, new AppError("bug", `a detection thread failed: ${message}`));
    };
    return thread;
  }

  async #ask(
    thread: PoolThread,
    make: (request: number) => PoolRequest,
    ...transfer: ArrayBufferLike[]
  ): Promise<PoolReply> {
    const request = this.#nextRequest++;
    const answer = deferred<PoolReply>();
    thread.waiting.set(request, answer);
    thread.worker.postMessage(make(request), transfer as Transferable[]);
    return answer.promise;
  }
}

/** Nobody waits for a thread's answer any more. */
function end(thread: PoolThread, why: AppError): void {
  thread.failure ??= why;
  for (const one of thread.waiting.values()) one.reject(why);
  thread.waiting.clear();
}

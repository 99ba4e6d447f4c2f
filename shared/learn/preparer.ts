import { AppError } from "../base/errors.ts";
import { type Deferred, deferred } from "../base/wait.ts";
import { inputBytes } from "../detect/input.ts";
import { ChunkDrawer } from "./chunk.ts";
import { type PicturePack, unpackPictures } from "./picture-pack.ts";
import type { LearningPlan } from "./plan.ts";
import type { DrawPhase } from "./schedule.ts";
import type { ChunkTargets } from "./targets.ts";

/** A chunk as the engine takes it. */
export interface PreparedChunk {
  /** [chunk, height, width, channels]; good until the chunk after the next is asked for. */
  readonly pixels: Uint8Array;
  readonly targets: ChunkTargets;
}

/** Draws chunks; `expect` may start on one before it is asked for. */
export interface ChunkSource extends AsyncDisposable {
  expect(chunk: number, phase: DrawPhase): void;
  get(chunk: number, phase: DrawPhase): Promise<PreparedChunk>;
}

/** Draws in the calling thread, when asked. */
export class InlineSource implements ChunkSource {
  readonly #drawer: ChunkDrawer;
  readonly #pixels: Uint8Array;

  constructor(plan: LearningPlan, pack: PicturePack) {
    this.#drawer = new ChunkDrawer(plan, unpackPictures(pack), pack.trainCount);
    this.#pixels = new Uint8Array(plan.chunkSize * inputBytes(plan.network));
  }

  expect(): void {}

  async get(chunk: number, phase: DrawPhase): Promise<PreparedChunk> {
    return { pixels: this.#pixels, targets: this.#drawer.draw(chunk, phase, this.#pixels) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export interface PrepareStart {
  readonly plan: LearningPlan;
  readonly pack: PicturePack;
  readonly buffers: readonly SharedArrayBuffer[];
}

export interface PrepareRequest {
  readonly chunk: number;
  readonly phase: DrawPhase;
  /** Which of the buffers takes the pixels. */
  readonly buffer: number;
}

export type PrepareReply = { readonly targets: ChunkTargets } | { readonly error: string };

/** Enough for one chunk in use, one ready, and one being drawn. */
const BUFFERS = 3;

interface Ahead {
  readonly chunk: number;
  readonly phase: DrawPhase;
  readonly buffer: number;
  readonly reply: Deferred<ChunkTargets>;
}

/** Draws in a thread beside the compute, into shared memory. */
export class ThreadSource implements ChunkSource {
  readonly #thread: Worker;
  readonly #buffers: readonly Uint8Array[];
  /** Asked of the thread and not yet answered, in order. */
  readonly #asked: Ahead[] = [];
  #ahead: Ahead | undefined;
  #next = 0;
  #failure: AppError | undefined;

  constructor(plan: LearningPlan, pack: PicturePack) {
    const bytes = plan.chunkSize * inputBytes(plan.network);
    const buffers = Array.from({ length: BUFFERS }, () => new SharedArrayBuffer(bytes));
    this.#buffers = buffers.map((buffer) => new Uint8Array(buffer));
    this.#thread = new Worker(new URL("./prepare.thread.ts", import.meta.url).href, { name: "draw" });
    this.#thread.onmessage = ({ data }: MessageEvent<PrepareReply>) => {
      const one = this.#asked.shift();
      if ("targets" in data) one?.reply.resolve(data.targets);
      else one?.reply.reject(new AppError("bug", `pictures could not be prepared: ${data.error}`));
    };
    this.#thread.onerror = ({ message }) => this.#fail(new AppError("bug", `preparing stopped: ${message}`));
    this.#thread.postMessage({ plan, pack, buffers } satisfies PrepareStart);
  }

  expect(chunk: number, phase: DrawPhase): void {
    if (!this.#holds(chunk, phase)) this.#ahead = this.#ask(chunk, phase);
  }

  async get(chunk: number, phase: DrawPhase): Promise<PreparedChunk> {
    const one =
      this.#holds(chunk, phase) && this.#ahead !== undefined ? this.#ahead : this.#ask(chunk, phase);
    this.#ahead = undefined;
    const targets = await one.reply.promise;
    return { pixels: this.#buffers[one.buffer]!, targets };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new AppError("cancelled", "training stopped"));
    this.#thread.terminate();
  }

  #holds(chunk: number, phase: DrawPhase): boolean {
    return (
      this.#ahead?.chunk === chunk &&
      this.#ahead.phase.mosaic === phase.mosaic &&
      this.#ahead.phase.heldOutToo === phase.heldOutToo
    );
  }

  #ask(chunk: number, phase: DrawPhase): Ahead {
    if (this.#failure !== undefined) throw this.#failure;
    const one: Ahead = { chunk, phase, buffer: this.#next, reply: deferred<ChunkTargets>() };
    this.#next = (this.#next + 1) % BUFFERS;
    this.#asked.push(one);
    this.#thread.postMessage({ chunk, phase, buffer: one.buffer } satisfies PrepareRequest);
    return one;
  }

  #fail(error: AppError): void {
    this.#failure ??= error;
    for (const { reply } of this.#asked.splice(0)) reply.reject(error);
  }
}

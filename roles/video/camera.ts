import type { Clock } from "../../shared/base/clock.ts";
import { errorKind, toldFailure } from "../../shared/base/errors.ts";
import type { ToldFailure } from "../../shared/base/failure.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Random } from "../../shared/base/random.ts";
import { backoffMs } from "../../shared/base/retry.ts";
import { onAbort } from "../../shared/base/wait.ts";
import type { Wish } from "../../shared/media/decoder-child.ts";
import type { Publication } from "../../shared/rtsp/publication.ts";
import type { CameraState, CameraStatus } from "../../shared/wire/messages/frames.ts";
import type { Arrival, Feed, FramePicture, FrameSource, JpegPicture } from "./sources/source.ts";

/** Somebody who looks at a camera's pictures. Nothing here may throw or wait. */
export interface Follower {
  /** Says what of this frame it is to be given, and remembers that it was promised it. Asked once of each frame. */
  claim(arrival: Arrival): Wish;
  /** A picture; perhaps one that another follower wanted, and less than this one did. */
  take(arrival: Arrival, picture: FramePicture): void;
  /** For cameras that deliver every frame: whether the next may come; `undefined` while not taking part. */
  readonly ready: boolean | undefined;
  /** No more frames will come. */
  ended(): void;
}

/** A source that was live and gives nothing for so long is stalled; slow sources get five of their intervals. */
const STALLED_AFTER_MS = 4000;
/** Between two looks whether it is. */
const STALL_CHECK_MS_MIN = 500;
/** Frame rates are counted over this time. */
const RATE_WINDOW_MS = 5000;
/** Frames of which a photo may still be asked for. */
const TAKEN_KEPT = 256;
/** A camera that says no (wrong password) is asked again this seldom: some lock the account. */
const REFUSED_RETRY_MS = 30_000;
/** While a camera has been away for less than this, it is tried often. */
const EAGER_FOR_MS = 120_000;

/** One camera: keeps its source running, knows how it does, and shares its pictures among followers. */
export class Camera {
  readonly name: string;
  readonly #source: FrameSource;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #followers = new Set<Follower>();
  readonly #arrivedMs: number[] = [];
  /** When the last frames were taken, by their number: for photos from a larger stream. */
  readonly #takenMs = new Map<number, number>();
  #onChange: () => void = () => {};
  #state: CameraState = "connecting";
  #problem: ToldFailure | undefined;
  /** Wall time of a file's beginning, for sources that give every frame. */
  #fileBeganMs: number | undefined;
  #sequence = 0;
  #delivered = -1;
  #deliveredCount = 0;
  #wake: (() => void) | undefined;

  constructor(name: string, source: FrameSource, parts: { log: Log; clock: Clock; random: Random }) {
    this.name = name;
    this.#source = source;
    this.#log = parts.log.child(name);
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** Called at each change of the state or of what is wrong. */
  set onChange(notify: () => void) {
    this.#onChange = notify;
  }

  get delivery(): CameraStatus["delivery"] {
    return this.#source.delivery;
  }

  /** The camera's own stream, where it is one that RTSP players can take. */
  get publication(): Publication | undefined {
    return this.#source.publication;
  }

  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  get status(): CameraStatus {
    return {
      name: this.name,
      state: this.#state,
      problem: this.#problem,
      framesPerSecond: this.#framesPerSecond(),
      skipped: this.#sequence - this.#deliveredCount,
      delivery: this.delivery,
      hasLargePhotos: this.#source.photo !== undefined,
    };
  }

  /** The picture of a frame from the camera's larger stream; `undefined` where there is none, or too late. */
  async photo(sequence: number): Promise<JpegPicture | undefined> {
    const takenMs = this.#takenMs.get(sequence);
    return takenMs === undefined ? undefined : await this.#source.photo?.(takenMs);
  }

  /** Adds a follower until it is disposed. */
  follow(follower: Follower): Disposable {
    this.#followers.add(follower);
    return {
      [Symbol.dispose]: () => {
        this.#followers.delete(follower);
        this.followersChanged();
      },
    };
  }

  /** To be called when a follower's `ready` has become true. */
  followersChanged(): void {
    this.#wake?.();
  }

  /** Runs the source until it ends or `signal` aborts, opening it again as often as it fails. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let awaySinceMs: number | undefined;
    while (!signal.aborted) {
      const before = this.#sequence;
      const problem = await this.#runOnce(signal);
      if (signal.aborted) return;
      if (problem === undefined || !this.#source.reconnects) return this.#end(problem);
      const nowMs = this.#clock.monotonicMs();
      if (this.#sequence > before) [failures, awaySinceMs] = [0, undefined];
      failures++;
      awaySinceMs ??= nowMs;
      const refused = errorKind(problem) === "refused" || errorKind(problem) === "input";
      const maxMs = nowMs - awaySinceMs < EAGER_FOR_MS ? 1500 : 10_000;
      const waitMs = refused
        ? backoffMs(failures, this.#random, { firstMs: 2000, maxMs: REFUSED_RETRY_MS })
        : backoffMs(failures, this.#random, { firstMs: 250, maxMs });
      this.#setState(refused ? "refused" : "gone", toldFailure(problem));
      this.#log.debug("trying again", { failures, inMs: Math.round(waitMs) });
      await this.#clock.sleep(waitMs, signal);
    }
  }

  /** @returns what ended the source, or `undefined` when it came to its end */
  async #runOnce(signal: AbortSignal): Promise<unknown> {
    if (this.#state === "stalled") this.#setState("connecting");
    using _watch = this.#watchStall();
    try {
      await this.#source.run(this.#feed, signal);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.#arrivedMs.length = 0;
    }
  }

  /** When a frame was captured. A file that is read faster than it plays keeps its own pace from where it began. */
  #wallMs(mediaMs: number | undefined): number {
    const nowMs = this.#clock.wallMs();
    if (this.delivery === "newest" || mediaMs === undefined) return nowMs;
    this.#fileBeganMs ??= nowMs - mediaMs;
    return this.#fileBeganMs + mediaMs;
  }

  readonly #feed: Feed = {
    ready: async (signal) => {
      while (!signal.aborted && !this.#everybodyReady()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        using _abort = onAbort(signal, resolve);
        await promise;
        this.#wake = undefined;
      }
    },
    arrive: ({
      mediaMs,
      capturedMs = this.#wallMs(mediaMs),
      cameraClockAheadMs,
      takenMs = capturedMs,
      sign,
      slide,
    } = {}) => {
      this.#noteArrival();
      const arrival = { sequence: this.#sequence++, capturedMs, mediaMs, cameraClockAheadMs, sign, slide };
      this.#noteTaken(arrival.sequence, takenMs);
      let wish: Wish = "none";
      // Everybody is asked, since those who say yes are promised it.
      for (const follower of this.#followers) {
        const one = follower.claim(arrival);
        if (one === "picture" || wish === "none") wish = one;
      }
      return { arrival, wish };
    },
    deliver: (arrival, picture) => {
      if (arrival.sequence <= this.#delivered) return;
      this.#delivered = arrival.sequence;
      this.#deliveredCount++;
      for (const follower of this.#followers) follower.take(arrival, picture);
    },
  };

  #everybodyReady(): boolean {
    let present = false;
    for (const { ready } of this.#followers) {
      if (ready === false) return false;
      present ||= ready === true;
    }
    return present;
  }

  #noteTaken(sequence: number, takenMs: number): void {
    if (this.#source.photo === undefined) return;
    this.#takenMs.set(sequence, takenMs);
    if (this.#takenMs.size > TAKEN_KEPT) this.#takenMs.delete(this.#takenMs.keys().next().value!);
  }

  #noteArrival(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#arrivedMs.push(nowMs);
    while (nowMs - this.#arrivedMs[0]! > RATE_WINDOW_MS && this.#arrivedMs.length > 2)
      this.#arrivedMs.shift();
    if (this.#state !== "live") this.#setState("live");
  }

  #framesPerSecond(): number {
    const times = this.#arrivedMs;
    if (times.length < 2 || this.#state !== "live") return 0;
    return (1000 * (times.length - 1)) / Math.max(1, times.at(-1)! - times[0]!);
  }

  /** Looks when the camera may have been still for long enough: many cameras by a steady beat would wake us often. */
  #watchStall(): Disposable {
    let timer: ReturnType<typeof setTimeout>;
    const check = (): void => {
      timer = setTimeout(check, Math.max(STALL_CHECK_MS_MIN, this.#checkStall()));
    };
    check();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  /** @returns in how many ms the camera may be stalled, as far as that is known now */
  #checkStall(): number {
    const times = this.#arrivedMs;
    const lastMs = times.at(-1);
    if (this.#state !== "live" || lastMs === undefined || this.delivery === "every") return 0;
    const intervalMs = times.length < 2 ? 0 : (lastMs - times[0]!) / (times.length - 1);
    const quietMs = this.#clock.monotonicMs() - lastMs;
    const stalledMs = Math.max(STALLED_AFTER_MS, 5 * intervalMs);
    if (quietMs < stalledMs) return stalledMs - quietMs;
    const about = String(Math.round(quietMs / 1000));
    this.#setState("stalled", { kind: "no-picture", about, text: `no picture for ${about} s` });
    return 0;
  }

  #end(problem: unknown): void {
    this.#setState("ended", problem === undefined ? undefined : toldFailure(problem));
    for (const follower of this.#followers) follower.ended();
  }

  #setState(state: CameraState, problem?: ToldFailure): void {
    if (state === this.#state && problem?.text === this.#problem?.text) return;
    const turned = state !== this.#state;
    this.#state = state;
    this.#problem = problem;
    const level = problem === undefined ? "info" : "warn";
    if (turned) this.#log[level](`camera is ${state}`, { why: problem?.text });
    this.#onChange();
  }
}

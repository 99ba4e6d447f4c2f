import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Wish } from "../../shared/media/decoder-child.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import { CameraEnded, CameraList, Frame, FrameWanted } from "../../shared/wire/messages/frames.ts";
import type { Camera, Follower } from "./camera.ts";
import type { Arrival, FramePicture } from "./sources/source.ts";

const LIST_EVERY_MS = 2000;
/** A promised picture that has not come by then was lost on the way; the next frame is promised instead. */
const PROMISE_HOLDS_MS = 1000;
/** Requests of one camera that may wait at once. */
const CREDIT_MAX = 8;
const NO_BYTES = new Uint8Array(0);

/**
 * Serves one tester: the list of cameras, and each frame that it asks for. Resolves when the tester ends the link;
 * rejects with the reason when the link breaks.
 */
export async function serveTester(link: Connection, cameras: TesterCameras, log: Log): Promise<void> {
  const views = new Map<string, CameraView>();
  using resources = new DisposableStack();
  for (const camera of cameras.all) {
    const view = new CameraView(camera, link);
    views.set(camera.name, view);
    resources.use(camera.follow(view));
  }
  const sendList = () =>
    void link.send(CameraList, { cameras: cameras.all.map((camera) => camera.status) }).catch(() => {});
  const timer = setInterval(sendList, LIST_EVERY_MS);
  resources.defer(() => clearInterval(timer));
  resources.use(cameras.onChange(sendList));
  sendList();
  log.info("tester joined", { tester: link.peer.name });
  const dispatch = new Dispatch().on(FrameWanted, ({ camera, framesPerSecondMax, glance }) => {
    const view = views.get(camera);
    if (view === undefined) throw new AppError("protocol", `no camera is called ${JSON.stringify(camera)}`);
    view.request(framesPerSecondMax, glance ? "glance" : "picture");
  });
  try {
    for await (const message of link.messages()) await dispatch.run(message);
  } finally {
    log.info("tester left", { tester: link.peer.name });
  }
}

/** The cameras of this node, and word of their changes. */
export interface TesterCameras {
  readonly all: readonly Camera[];
  onChange(notify: () => void): Disposable;
}

/** One camera as one tester sees it: what it asked for, and what it missed. */
class CameraView implements Follower {
  readonly #camera: Camera;
  readonly #link: Connection;
  #credit = 0;
  #asked = false;
  #wish: Wish = "picture";
  #intervalMs = 0;
  #dueMs = 0;
  #promised: { sequence: number; atMs: number } | undefined;
  #lastSequence: number | undefined;
  #endSent = false;

  constructor(camera: Camera, link: Connection) {
    this.#camera = camera;
    this.#link = link;
  }

  /** The tester is ready for one more frame. */
  request(framesPerSecondMax: number, wish: Wish): void {
    if (!(framesPerSecondMax > 0))
      throw new AppError("protocol", `rate of ${framesPerSecondMax} frames a second`);
    this.#intervalMs = 1000 / framesPerSecondMax;
    this.#credit = Math.min(CREDIT_MAX, this.#credit + 1);
    this.#asked = true;
    this.#wish = wish;
    if (this.#camera.hasEnded) this.ended();
    else this.#camera.followersChanged();
  }

  get ready(): boolean | undefined {
    return this.#asked ? this.#credit > 0 : undefined;
  }

  wants({ sequence, capturedMs }: Arrival): Wish {
    if (this.#credit === 0) return "none";
    if (this.#camera.delivery === "every") return this.#wish;
    const nowMs = performance.now();
    if (this.#promised !== undefined && nowMs - this.#promised.atMs < PROMISE_HOLDS_MS) return "none";
    if (!this.#isDue(capturedMs)) return "none";
    this.#promised = { sequence, atMs: nowMs };
    return this.#wish;
  }

  take(arrival: Arrival, { jpeg, glance, ...size }: FramePicture): void {
    if (this.#credit === 0 || (this.#wish === "picture" && jpeg === undefined)) return;
    const { sequence, capturedMs, mediaMs, cameraClockAheadMs } = arrival;
    if (this.#camera.delivery === "newest") {
      const promised = this.#promised !== undefined && sequence >= this.#promised.sequence;
      if (!promised && !this.#isDue(capturedMs)) return;
      this.#promised = undefined;
      // Counted from the time it was due, so that uneven arrivals do not lower the rate; but never catching up.
      this.#dueMs = Math.max(this.#dueMs, capturedMs - this.#intervalMs) + this.#intervalMs;
    }
    this.#credit--;
    const skipped = this.#lastSequence === undefined ? 0 : Math.max(0, sequence - this.#lastSequence - 1);
    this.#lastSequence = sequence;
    const frame = {
      ...{ camera: this.#camera.name, sequence, capturedMs, mediaMs, cameraClockAheadMs, skipped },
      ...{
        ...size,
        glance,
        jpeg: (this.#wish === "glance" && glance !== undefined ? undefined : jpeg) ?? NO_BYTES,
      },
    };
    this.#link.send(Frame, frame).catch(() => {
      // The link has ended; its reader says so.
    });
  }

  ended(): void {
    if (this.#endSent) return;
    this.#endSent = true;
    this.#link.send(CameraEnded, { camera: this.#camera.name }).catch(() => {});
  }

  /** A frame may come a little early, since cameras do not tick evenly. */
  #isDue(capturedMs: number): boolean {
    const earlyMs = Math.min(25, this.#intervalMs / 4);
    // A clock that was set back must not hold frames.
    if (this.#dueMs - capturedMs > 2 * this.#intervalMs) this.#dueMs = 0;
    return capturedMs >= this.#dueMs - earlyMs;
  }
}

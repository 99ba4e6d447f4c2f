import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Wish } from "../../shared/media/decoder-child.ts";
import { type Glance, showsSame } from "../../shared/media/glance.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import {
  CameraEnded,
  CameraList,
  Frame,
  FrameWanted,
  Photo,
  PhotoWanted,
} from "../../shared/wire/messages/frames.ts";
import type { Camera, Follower } from "./camera.ts";
import type { Seat, Seats } from "./seats.ts";
import type { Arrival, FramePicture } from "./sources/source.ts";

const LIST_EVERY_MS = 2000;
/** A promised picture that has not come by then was lost on the way; the next frame is promised instead. */
const PROMISE_HOLDS_MS = 1000;
/** Requests of one camera that may wait at once. */
const CREDIT_MAX = 8;
/**
 * A glance that shows the same as the last one is kept back for so long: the tester's clocks go by frames. A little
 * less than the time between two key pictures of most cameras.
 */
const SAME_GLANCE_MS = 1900;
const NO_BYTES = new Uint8Array(0);

/** The cameras of this node, who watches which, and word of their changes. */
export interface TesterCameras {
  readonly all: readonly Camera[];
  readonly seats: Seats;
  onChange(notify: () => void): Disposable;
}

/**
 * Serves one tester: the list of its cameras, each frame that it asks for, and photos. Resolves when the tester ends
 * the link; rejects with the reason when the link breaks.
 */
export async function serveTester(link: Connection, cameras: TesterCameras, log: Log): Promise<void> {
  const byName = new Map(cameras.all.map((camera) => [camera.name, camera]));
  using resources = new DisposableStack();
  const views = new Map<string, CameraView>();
  resources.defer(() => {
    for (const view of views.values()) view[Symbol.dispose]();
  });
  /** Takes up the cameras that are this tester's, lets go of others, and says so. */
  const sendList = () => {
    for (const camera of cameras.all) {
      const view = views.get(camera.name);
      if (seat.has(camera.name) === (view !== undefined)) continue;
      view?.[Symbol.dispose]();
      if (view === undefined) views.set(camera.name, new CameraView(camera, link));
      else views.delete(camera.name);
    }
    const own = cameras.all.filter(({ name }) => views.has(name));
    void link.send(CameraList, { cameras: own.map((camera) => camera.status) }).catch(() => {});
  };
  const seat: Seat = resources.use(cameras.seats.join(link.peer.nodeId, sendList));
  const timer = setInterval(sendList, LIST_EVERY_MS);
  resources.defer(() => clearInterval(timer));
  resources.use(cameras.onChange(sendList));
  sendList();
  log.info("tester joined", { tester: link.peer.name, cameras: views.size });
  const known = (name: string): Camera => {
    const camera = byName.get(name);
    if (camera === undefined) throw new AppError("protocol", `no camera is called ${JSON.stringify(name)}`);
    return camera;
  };
  const dispatch = new Dispatch()
    .on(FrameWanted, ({ camera, framesPerSecondMax, glance }) => {
      // It may have asked before it knew that the camera is another tester's now.
      views.get(known(camera).name)?.request(framesPerSecondMax, glance ? "glance" : "picture");
    })
    .on(PhotoWanted, ({ camera, sequence }) => void sendPhoto(link, known(camera), sequence));
  try {
    for await (const message of link.messages()) await dispatch.run(message);
  } finally {
    log.info("tester left", { tester: link.peer.name });
  }
}

async function sendPhoto(link: Connection, camera: Camera, sequence: number): Promise<void> {
  const nothing = { width: 0, height: 0, jpeg: NO_BYTES };
  const photo = (await camera.photo(sequence)) ?? nothing;
  await link.send(Photo, { camera: camera.name, sequence, ...photo }).catch(() => {
    // The link has ended; its reader says so.
  });
}

/** One camera as one tester sees it: what it asked for, and what it missed. */
class CameraView implements Follower, Disposable {
  readonly #camera: Camera;
  readonly #link: Connection;
  readonly #following: Disposable;
  #credit = 0;
  #asked = false;
  #wish: Wish = "picture";
  #intervalMs = 0;
  /** The next frame is due one interval after this; the interval may change between two requests. */
  #pacedMs = 0;
  /** When the last picture that came was captured, whether or not the tester was sent it. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  #promised: { readonly sequence: number; readonly atMs: number; readonly wish: Wish } | undefined;
  #lastSequence: number | undefined;
  /** What the tester saw last. */
  #shown: { readonly glance: Glance | undefined; readonly capturedMs: number } | undefined;
  #endSent = false;

  constructor(camera: Camera, link: Connection) {
    this.#camera = camera;
    this.#link = link;
    this.#following = camera.follow(this);
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
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

  claim({ sequence, capturedMs, sign }: Arrival): Wish {
    if (this.#credit === 0) return "none";
    if (this.#camera.delivery === "every") return this.#wish;
    const nowMs = performance.now();
    if (this.#promised !== undefined && nowMs - this.#promised.atMs < PROMISE_HOLDS_MS) return "none";
    if (!this.#isDue(capturedMs)) return "none";
    // Nothing moved at the last glance, and the coded picture does not say that something does now.
    const agoMs = capturedMs - this.#lookedMs;
    if (this.#wish === "glance" && agoMs >= 0 && agoMs < (sign?.calmMs ?? 0)) return "none";
    // Where it surely does, the tester would ask for the next picture at once.
    const wish = sign?.isStriking ? "picture" : this.#wish;
    this.#promised = { sequence, atMs: nowMs, wish };
    return wish;
  }

  take(arrival: Arrival, { jpeg, glance, ...size }: FramePicture): void {
    const { sequence, capturedMs, mediaMs, cameraClockAheadMs, slide } = arrival;
    const promised =
      this.#promised !== undefined && sequence >= this.#promised.sequence ? this.#promised : undefined;
    const wish = promised?.wish ?? this.#wish;
    if (this.#credit === 0 || (wish === "picture" && jpeg === undefined)) return;
    if (this.#camera.delivery === "newest") {
      if (promised === undefined && !this.#isDue(capturedMs)) return;
      this.#promised = undefined;
      // Counted from the time it was due, so that uneven arrivals do not lower the rate; but never catching up.
      this.#pacedMs = Math.max(this.#pacedMs + this.#intervalMs, capturedMs - this.#intervalMs);
      this.#lookedMs = capturedMs;
    }
    const isGlance = wish === "glance" && glance !== undefined;
    if (isGlance && this.#isShown(glance, capturedMs)) return;
    this.#shown = { glance, capturedMs };
    this.#credit--;
    const skipped = this.#lastSequence === undefined ? 0 : Math.max(0, sequence - this.#lastSequence - 1);
    this.#lastSequence = sequence;
    const frame = {
      ...{ camera: this.#camera.name, sequence, capturedMs, mediaMs, cameraClockAheadMs, skipped, slide },
      ...{
        ...size,
        glance,
        jpeg: (isGlance ? undefined : jpeg) ?? NO_BYTES,
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

  /** Whether a glance tells the tester nothing that it does not know. */
  #isShown(glance: Glance, capturedMs: number): boolean {
    const before = this.#shown;
    if (before?.glance === undefined || !showsSame(before.glance, glance)) return false;
    const agoMs = capturedMs - before.capturedMs;
    return agoMs >= 0 && agoMs < SAME_GLANCE_MS;
  }

  /** A frame may come a little early, since cameras do not tick evenly. */
  #isDue(capturedMs: number): boolean {
    const earlyMs = Math.min(25, this.#intervalMs / 4);
    // A clock that was set back must not hold frames.
    if (this.#pacedMs - capturedMs > this.#intervalMs) this.#pacedMs = 0;
    return capturedMs >= this.#pacedMs + this.#intervalMs - earlyMs;
  }
}

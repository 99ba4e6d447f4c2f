import { type Look, LookPlanner } from "../../shared/detect/look/look-planner.ts";
import type { Sight } from "../../shared/detect/look/regions.ts";
import { forMotion, type GreyPicture, MOTION_WIDTH_PX } from "../../shared/detect/motion/grey.ts";
import { type Motion, MotionDetector } from "../../shared/detect/motion/motion-detector.ts";
import { isInside, type Point } from "../../shared/detect/near/geometry.ts";
import type { Track } from "../../shared/detect/tracker.ts";
import { decodePicture } from "../../shared/image/codec.ts";
import type { FrameMessage } from "../../shared/wire/messages/frames.ts";

/** What is to happen to a frame. */
export interface FramePlan {
  readonly look: Look;
  readonly motion: Motion["kind"];
}

/** Decides for each frame of one camera, from a small grey picture of it, whether the model must see it and where. */
export class FrameGate {
  readonly #motion: MotionDetector;
  readonly #planner = new LookPlanner();
  #slide: number | undefined;

  constructor(masks: readonly (readonly Point[])[]) {
    this.#motion = new MotionDetector(motionMasks(masks));
  }

  useMasks(masks: readonly (readonly Point[])[]): void {
    this.#motion.useMasks(motionMasks(masks));
  }

  /** The next look must be at the whole frame. */
  wantWhole(): void {
    this.#planner.wantWhole();
  }

  /**
   * To be called with the frames in their order, one at a time.
   *
   * @param sight `undefined` for a model that only understands whole pictures
   */
  async plan(
    frame: FrameMessage,
    atMs: number,
    tracks: readonly Track[],
    sight: Sight | undefined,
  ): Promise<FramePlan> {
    const isOtherSlide = frame.slide !== this.#slide;
    this.#slide = frame.slide;
    const motion = this.#motion.step(forMotion(await greyOf(frame)), atMs, isOtherSlide);
    const look = this.#planner.plan(motion, tracks, frame, sight, atMs);
    if (frame.jpeg.length > 0) this.#planner.taken(look, atMs);
    return { look, motion: motion.kind };
  }
}

/** The grey picture that came with the frame; of a camera that sends none, made from its JPEG. */
async function greyOf({ glance, jpeg }: FrameMessage): Promise<GreyPicture> {
  if (glance !== undefined) return glance;
  const { width, height, data } = await decodePicture(jpeg, { maxSide: MOTION_WIDTH_PX, grey: true });
  return { width, height, grey: Uint8Array.from({ length: width * height }, (_, i) => data[3 * i]!) };
}

function motionMasks(masks: readonly (readonly Point[])[]): ((x: number, y: number) => boolean)[] {
  return masks.map((mask) => (x, y) => isInside([x, y], mask));
}

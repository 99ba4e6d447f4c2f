import { type Deferred, deferred } from "../../shared/base/wait.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { type Photo, PhotoWanted } from "../../shared/wire/messages/frames.ts";

type PhotoMessage = ReturnType<typeof Photo.decode>;

/** A photo that does not come within this time has gone by. */
const ANSWER_MS = 5000;
/** Photos of one node that may be on their way. */
const WAITING_MAX = 32;

/** Asks video nodes for pictures from the larger streams of cameras. */
export class LargePhotos {
  readonly #waiting = new Map<string, Deferred<PhotoMessage | undefined>>();

  /** The picture of a frame from the larger stream; `undefined` where it cannot be had. */
  async ask(link: Connection, camera: string, sequence: number): Promise<PhotoMessage | undefined> {
    const key = `${camera} ${sequence}`;
    if (this.#waiting.has(key) || this.#waiting.size >= WAITING_MAX) return undefined;
    const answer = deferred<PhotoMessage | undefined>();
    this.#waiting.set(key, answer);
    const timer = setTimeout(() => answer.resolve(undefined), ANSWER_MS);
    try {
      await link.send(PhotoWanted, { camera, sequence });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }

  take(photo: PhotoMessage): void {
    const answer = this.#waiting.get(`${photo.camera} ${photo.sequence}`);
    answer?.resolve(photo.jpeg.length > 0 ? photo : undefined);
  }
}

import { type Deferred, deferred } from "../../shared/base/wait.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { PHOTO_WITHIN_MS, type Photo, PhotoWanted } from "../../shared/wire/messages/frames.ts";

type PhotoMessage = ReturnType<typeof Photo.decode>;

/** For a photo of some megabytes on a slow network, beyond the time that it may take to be made. */
const ON_THE_WAY_MS = 2000;
/** Photos of one node that may be on their way. */
const WAITING_MAX = 32;

interface Wish {
  readonly link: Connection;
  readonly answer: Deferred<PhotoMessage | undefined>;
}

/**
 * Asks video nodes for pictures from the larger streams of cameras; for one sighting one at a time, as each costs the
 * node a decoder. What is wished meanwhile waits, and only the newest of it is asked for.
 */
export class LargePhotos {
  readonly #waiting = new Map<string, Wish>();
  /** Of each sighting with a wish: the newest frame, and the end of what was asked for before. */
  readonly #sightings = new Map<number, { readonly sequence: number; readonly asked: Promise<unknown> }>();

  /**
   * The picture of a frame from the larger stream; `undefined` where it cannot be had, or a newer one was wished for
   * the same sighting meanwhile.
   */
  async ask(
    link: Connection,
    camera: string,
    sequence: number,
    sighting: number,
  ): Promise<PhotoMessage | undefined> {
    const before = this.#sightings.get(sighting)?.asked;
    const isNewest = (): boolean => this.#sightings.get(sighting)?.sequence === sequence;
    const asked = (async () => {
      await before;
      return isNewest() ? await this.#send(link, camera, sequence) : undefined;
    })();
    // What comes next waits for this one, however it ends.
    this.#sightings.set(sighting, { sequence, asked: asked.catch(() => {}) });
    try {
      const photo = await asked;
      return isNewest() ? photo : undefined;
    } finally {
      if (isNewest()) this.#sightings.delete(sighting);
    }
  }

  take(photo: PhotoMessage): void {
    const wish = this.#waiting.get(`${photo.camera} ${photo.sequence}`);
    wish?.answer.resolve(photo.jpeg.length > 0 ? photo : undefined);
  }

  async #send(link: Connection, camera: string, sequence: number): Promise<PhotoMessage | undefined> {
    const key = `${camera} ${sequence}`;
    const ofNode = [...this.#waiting.values()].filter((wish) => wish.link === link).length;
    if (this.#waiting.has(key) || ofNode >= WAITING_MAX) return undefined;
    const answer = deferred<PhotoMessage | undefined>();
    this.#waiting.set(key, { link, answer });
    const timer = setTimeout(() => answer.resolve(undefined), PHOTO_WITHIN_MS + ON_THE_WAY_MS);
    try {
      await link.send(PhotoWanted, { camera, sequence });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }
}

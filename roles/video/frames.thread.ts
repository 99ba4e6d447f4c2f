import { errorLine } from "../../shared/base/errors.ts";
import { SyntheticMovie } from "../../shared/dataset/synthetic/movie.ts";
import { encodeStandardJpeg } from "../../shared/media/standard-jpeg.ts";

declare const self: Worker;

/** One frame of a scene to draw; scenes are kept by `scene.id`. */
export interface DrawRequest {
  readonly requestId: number;
  readonly scene: {
    readonly id: number;
    readonly seed: number;
    readonly classes: number;
    readonly width: number;
    readonly height: number;
  };
  readonly mediaMs: number;
}
export type DrawReply =
  | { readonly requestId: number; readonly jpeg: Uint8Array }
  | { readonly requestId: number; readonly error: string };

const QUALITY = 85;
const movies = new Map<number, SyntheticMovie>();

/** Draws synthetic frames and encodes them, one after the other. */
self.onmessage = async ({ data }: MessageEvent<DrawRequest>) => {
  const { requestId, scene, mediaMs } = data;
  try {
    let movie = movies.get(scene.id);
    if (movie === undefined) {
      const { width, height, classes } = scene;
      movie = new SyntheticMovie(scene.seed, { width, height, classes });
      movies.set(scene.id, movie);
    }
    const { picture } = await movie.frameAt(mediaMs);
    const jpeg = await encodeStandardJpeg(picture, QUALITY);
    self.postMessage({ requestId, jpeg } satisfies DrawReply);
  } catch (error) {
    self.postMessage({ requestId, error: errorLine(error) } satisfies DrawReply);
  }
};

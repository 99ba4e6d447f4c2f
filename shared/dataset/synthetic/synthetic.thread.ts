import { type ErrorKind, errorKind, errorLine } from "../../base/errors.ts";
import { type PictureSeries, savePicture } from "./save-picture.ts";

declare const self: Worker;

/** One picture to draw and write. */
export interface SaveRequest {
  readonly series: PictureSeries;
  readonly index: number;
}

/** The answer: nothing, or why there is no picture. */
export interface SaveReply {
  readonly error?: { readonly kind: ErrorKind; readonly message: string };
}

/** Draws one picture after the other. */
self.onmessage = async ({ data }: MessageEvent<SaveRequest>) => {
  try {
    await savePicture(data.series, data.index);
    self.postMessage({} satisfies SaveReply);
  } catch (error) {
    self.postMessage({ error: { kind: errorKind(error), message: errorLine(error) } } satisfies SaveReply);
  }
};

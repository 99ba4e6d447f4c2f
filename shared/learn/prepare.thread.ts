/** Draws chunks of training pictures beside the thread that computes. The first message starts it, the others ask. */
import { errorLine } from "../base/errors.ts";
import { ChunkDrawer } from "./chunk.ts";
import { unpackPictures } from "./picture-pack.ts";
import type { PrepareReply, PrepareRequest, PrepareStart } from "./preparer.ts";

declare const self: Worker;

let drawer: ChunkDrawer | undefined;
let buffers: Uint8Array[] = [];

self.onmessage = ({ data }: MessageEvent<PrepareStart | PrepareRequest>) => {
  if ("plan" in data) {
    drawer = new ChunkDrawer(data.plan, unpackPictures(data.pack), data.pack.trainCount);
    buffers = data.buffers.map((buffer) => new Uint8Array(buffer));
    return;
  }
  self.postMessage(draw(data));
};

function draw({ chunk, phase, buffer }: PrepareRequest): PrepareReply {
  try {
    return { targets: drawer!.draw(chunk, phase, buffers[buffer]!) };
  } catch (error) {
    return { error: errorLine(error) };
  }
}

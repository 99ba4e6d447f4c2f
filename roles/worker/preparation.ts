import { AppError, errorKind, errorLine } from "../../shared/base/errors.ts";
import { PICTURE_FILE_BYTES_MAX } from "../../shared/base/limits.ts";
import { encodeShard, type PreparedPicture, preparePicture } from "../../shared/dataset/prepared.ts";
import type { BlobStore } from "../../shared/store/blobs.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { PrepareTask, SampleRow } from "../../shared/wire/messages/training.ts";

/** A prepared block of samples. */
export interface PreparedShard {
  readonly sha256: string;
  readonly shardBytes: number;
  readonly pictures: number;
  readonly rejected: { readonly id: string; readonly reason: string }[];
}

/**
 * Makes one shard: fetches the originals, decodes and shrinks them, packs them in the order of the samples and keeps
 * the shard. A picture that cannot be decoded is left out, with the reason.
 *
 * @param fetch brings a blob into the store
 * @param lanes pictures at once; the decoder works in threads of its own
 */
export async function prepareShard(
  { cacheSidePx, samples }: MessageOf<typeof PrepareTask>,
  store: BlobStore,
  fetch: (sha256: string, bytesMax: number) => Promise<void>,
  lanes: number,
): Promise<PreparedShard> {
  const pictures: (PreparedPicture | undefined)[] = samples.map(() => undefined);
  const rejected: { id: string; reason: string }[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < samples.length) {
      const place = next++;
      const sample = samples[place]!;
      await fetch(sample.sha256, Math.min(sample.fileBytes, PICTURE_FILE_BYTES_MAX));
      try {
        pictures[place] = await prepareSample(sample, cacheSidePx, await store.read(sample.sha256));
      } catch (error) {
        if (errorKind(error) !== "input") throw error;
        rejected.push({ id: sample.id, reason: errorLine(error).slice(0, 500) });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, lanes) }, lane));
  const kept = pictures.filter((picture) => picture !== undefined);
  const shard = encodeShard(kept);
  const sha256 = await store.put(shard);
  return { sha256, shardBytes: shard.length, pictures: kept.length, rejected };
}

async function prepareSample(
  { id, labels }: SampleRow,
  cacheSidePx: number,
  bytes: Uint8Array,
): Promise<PreparedPicture> {
  for (const { box } of labels) {
    if (!(box[0] < box[2] && box[1] < box[3])) throw new AppError("input", `a box of ${id} is empty`);
  }
  return await preparePicture({ id, path: id, labels }, cacheSidePx, bytes);
}

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { PARAMETER_COUNT_MAX } from "../../shared/base/limits.ts";
import { flushFolder } from "../../shared/base/replace-file.ts";
import { storeError } from "../../shared/store/database.ts";
import { writeAll } from "../../shared/store/write-all.ts";
import type { Scores } from "../../shared/wire/messages/training.ts";

/** The whole state of a training after some round: all that is needed to go on. */
export interface Checkpoint {
  readonly round: number;
  /** Time of training so far. */
  readonly elapsedMs: number;
  readonly weights: Float32Array;
  /** The optimizer's vectors, in the order in which they travel; none before the first round. */
  readonly state: readonly Float32Array[];
  /** The best weights so far with their score, where some were scored. */
  readonly best: { readonly weights: Float32Array; readonly map50: number } | undefined;
  /** The last scores on the pictures kept aside, of before these were learnt from too. */
  readonly scores: Scores | undefined;
  /** Whether these are the last there will be: the pictures kept aside are learnt from since. */
  readonly asideLearnt: boolean;
}

/*
 * A file: "VGCP", u32 length of the head, the head as JSON, the vectors as float32, and the SHA-256 of all that.
 * Little-endian, like every machine that this runs on.
 */
const MAGIC = "VGCP";
const HASH_BYTES = 32;

interface Head {
  readonly round: number;
  readonly elapsedMs: number;
  readonly length: number;
  readonly stateVectors: number;
  readonly bestMap50: number | null;
  readonly scores: Scores | null;
  readonly asideLearnt: boolean;
}

/** Where the checkpoints of jobs are: one file a job, replaced whole. */
export class Checkpoints {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async save(jobId: number, checkpoint: Checkpoint): Promise<void> {
    const path = this.#path(jobId);
    const draft = `${path}.part`;
    try {
      const file = await open(draft, "w", 0o640);
      try {
        for (const part of encode(checkpoint)) await writeAll(file, part);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      flushFolder(this.#folder);
    } catch (error) {
      rmSync(draft, { force: true });
      throw storeError(error, `the checkpoint of job ${jobId} cannot be saved`);
    }
  }

  /** The last checkpoint, or `undefined` where there is none. Throws `data-loss` when it is damaged. */
  load(jobId: number): Checkpoint | undefined {
    const path = this.#path(jobId);
    if (!existsSync(path)) return undefined;
    try {
      return decode(readFileSync(path));
    } catch (cause) {
      throw new AppError("data-loss", `the checkpoint ${path} is damaged`, {
        cause,
        hint: "delete it: the job then begins anew",
      });
    }
  }

  remove(jobId: number): void {
    rmSync(this.#path(jobId), { force: true });
  }

  #path(jobId: number): string {
    return join(this.#folder, `job-${jobId}.checkpoint`);
  }
}

function encode(checkpoint: Checkpoint): Uint8Array[] {
  const { round, elapsedMs, weights, state, best, scores, asideLearnt } = checkpoint;
  const head: Head = {
    round,
    elapsedMs,
    length: weights.length,
    stateVectors: state.length,
    bestMap50: best?.map50 ?? null,
    scores: scores ?? null,
    asideLearnt,
  };
  const headBytes = Buffer.from(JSON.stringify(head));
  const start = Buffer.alloc(8);
  start.write(MAGIC, "latin1");
  start.writeUInt32LE(headBytes.length, 4);
  const vectors = [weights, ...state, ...(best === undefined ? [] : [best.weights])];
  const parts = [start, headBytes, ...vectors.map(bytesOf)];
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return [...parts, hash.digest()];
}

function decode(bytes: Buffer): Checkpoint {
  const body = bytes.subarray(0, -HASH_BYTES);
  if (bytes.length < 8 + HASH_BYTES || body.toString("latin1", 0, 4) !== MAGIC) throw new Error("it is none");
  if (!createHash("sha256").update(body).digest().equals(bytes.subarray(-HASH_BYTES))) {
    throw new Error("its content is not what was written");
  }
  const headEnd = 8 + body.readUInt32LE(4);
  const head = JSON.parse(body.toString("utf8", 8, headEnd)) as Head;
  const { round, elapsedMs, length, stateVectors, bestMap50, scores, asideLearnt } = head;
  const count = 1 + stateVectors + (bestMap50 === null ? 0 : 1);
  if (!(length <= PARAMETER_COUNT_MAX) || body.length !== headEnd + 4 * length * count) {
    throw new Error("its size is not what it says");
  }
  const vectors = Array.from({ length: count }, (_, i) => {
    const vector = new Float32Array(length);
    bytesOf(vector).set(body.subarray(headEnd + 4 * length * i, headEnd + 4 * length * (i + 1)));
    return vector;
  });
  return {
    round,
    elapsedMs,
    weights: vectors[0]!,
    state: vectors.slice(1, 1 + stateVectors),
    best: bestMap50 === null ? undefined : { weights: vectors.at(-1)!, map50: bestMap50 },
    scores: scores ?? undefined,
    asideLearnt,
  };
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { AppError } from "../../base/errors.ts";
import { deferred, throwIfAborted } from "../../base/wait.ts";
import { syntheticClasses } from "./art/catalogue.ts";
import {
  ANNOTATIONS_FOLDER,
  PICTURES_FOLDER,
  type PictureSeries,
  pictureName,
  savePicture,
} from "./save-picture.ts";
import type { SaveReply, SaveRequest } from "./synthetic.thread.ts";

export interface SyntheticDatasetOptions {
  readonly images: number;
  /** Names, or the first so many of `SYNTHETIC_CLASSES`. */
  readonly classes: readonly string[] | number;
  readonly seed: number;
  /** One thing a picture, whole and in plain view: for a network that gives a single box. */
  readonly oneObject?: boolean;
  /** How many threads draw; when absent, as many as pay: at most 4, or as the machine has cores. */
  readonly threads?: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const IMAGES_MAX = 100_000;
const THREADS_MAX = 4;
/** Fewer pictures than this are not worth another thread, which starts with empty caches. */
const IMAGES_PER_THREAD_MIN = 40;
/** Shows that a folder was written by this, so that it may be written again. */
const MARK_FILE = "synthetic.json";

/**
 * Draws a Pascal VOC data set: `JPEGImages/`, `Annotations/` and `ImageSets/Main/{train,val,test}.txt` with 80, 10 and
 * 10 of a hundred. The same options give the same files. A folder with anything else in it is refused.
 *
 * @throws {AppError} `usage` for numbers and classes that cannot be, and for a folder with other files in it;
 * `data-loss` when a file cannot be written; `cancelled`
 */
export async function writeSyntheticDataset(folder: string, options: SyntheticDatasetOptions): Promise<void> {
  const { images, seed, oneObject = false, onProgress, signal } = options;
  const classes = syntheticClasses(options.classes);
  if (!Number.isInteger(images) || images < 1 || images > IMAGES_MAX) {
    throw new AppError("usage", `cannot draw ${images} pictures`, {
      hint: `give a number from 1 to ${IMAGES_MAX}`,
    });
  }
  await prepareFolder(folder);
  const series: PictureSeries = { folder, seed, classes, oneObject };
  const worthwhile = Math.max(1, Math.floor(images / IMAGES_PER_THREAD_MIN));
  const threads = options.threads ?? Math.min(THREADS_MAX, availableParallelism(), worthwhile);
  await drawAll(series, images, threads, onProgress, signal);
  await writeLists(folder, images);
  await write(
    join(folder, MARK_FILE),
    `${JSON.stringify({ images, classes, seed, oneObject }, undefined, 2)}\n`,
  );
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const names = await readdir(folder);
    if (names.length > 0 && !names.includes(MARK_FILE)) {
      throw new AppError("usage", `${folder} holds other files`, {
        hint: "name a new folder, or an empty one",
      });
    }
    for (const part of [PICTURES_FOLDER, ANNOTATIONS_FOLDER, join("ImageSets", "Main")]) {
      await mkdir(join(folder, part), { recursive: true });
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError("data-loss", `the folder ${folder} cannot be made`, {
      cause,
      hint: "name another folder",
    });
  }
  // First of all the mark: a folder left half drawn may be drawn again.
  if (!(await readFile(join(folder, MARK_FILE)).catch(() => undefined)))
    await write(join(folder, MARK_FILE), "{}\n");
}

/** Each painter takes the next picture when it is done with one; one that fails ends them all. */
async function drawAll(
  series: PictureSeries,
  images: number,
  threads: number,
  onProgress: ((done: number) => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  let next = 0;
  let done = 0;
  let failed = false;
  const work = async (draw: (index: number) => Promise<void>) => {
    while (next < images && !failed) {
      throwIfAborted(signal, "drawing the pictures was stopped");
      await draw(next++);
      onProgress?.(++done);
    }
  };
  const painters = threads > 1 ? Array.from({ length: threads }, () => new PaintingThread(series)) : [];
  try {
    const shifts =
      painters.length > 0
        ? painters.map((painter) => work((index) => painter.draw(index)))
        : [work((index) => savePicture(series, index))];
    const ends = await Promise.allSettled(
      shifts.map((shift) =>
        shift.catch((error) => {
          failed = true;
          throw error;
        }),
      ),
    );
    const bad = ends.find((end) => end.status === "rejected");
    if (bad !== undefined) throw bad.reason;
  } finally {
    for (const painter of painters) painter[Symbol.dispose]();
  }
}

/** A thread that draws one picture at a time; disposed only between two, since native code is at work within. */
class PaintingThread implements Disposable {
  readonly #worker = new Worker(new URL("./synthetic.thread.ts", import.meta.url));
  readonly #series: PictureSeries;
  #waiting = deferred();

  constructor(series: PictureSeries) {
    this.#series = series;
    this.#worker.onmessage = ({ data }: MessageEvent<SaveReply>) => {
      if (data.error === undefined) this.#waiting.resolve();
      else this.#waiting.reject(new AppError(data.error.kind, data.error.message));
    };
    this.#worker.onerror = ({ message }) => {
      this.#waiting.reject(new AppError("bug", "a drawing thread broke", { cause: message }));
    };
  }

  draw(index: number): Promise<void> {
    this.#waiting = deferred();
    this.#worker.postMessage({ series: this.#series, index } satisfies SaveRequest);
    return this.#waiting.promise;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** Every tenth picture is for the test, and every tenth to choose the model by. */
async function writeLists(folder: string, images: number): Promise<void> {
  const lists: Record<string, string[]> = { train: [], val: [], test: [] };
  for (let i = 0; i < images; i++)
    lists[i % 10 === 4 ? "val" : i % 10 === 9 ? "test" : "train"]!.push(pictureName(i));
  for (const [split, names] of Object.entries(lists)) {
    const path = join(folder, "ImageSets", "Main", `${split}.txt`);
    // A list of an earlier and larger drawing would bring its pictures back.
    if (names.length === 0) await rm(path, { force: true });
    else await write(path, `${names.join("\n")}\n`);
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new AppError("data-loss", `${path} could not be written`, {
      cause,
      hint: "see that the disk has room",
    });
  }
}

import { AppError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { crop } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import type { EngineOptions } from "../nn/engine.ts";
import { LooksJudge } from "./likeness.ts";
import { type Model, openModel } from "./model.ts";
import { boxArea, type Detection } from "./types.ts";

/** Classes whose objects are named unless others are chosen: a person or a face, in the languages of the program. */
export const NAMED_CLASSES: readonly string[] = ["person", "face", "persona", "cara"];

/** Objects of one frame that are named, the largest first: a crowd must not hold up the next frame. */
const NAMED_MAX = 16;
/** Smaller than this on a side there is no face to be known by, in pixels. */
const SIDE_PX_MIN = 12;

/**
 * The second stage of watching: a face model that says who each detected person is. One frame's answer is a guess;
 * `NameBook` makes a name of several.
 */
export class Namer implements AsyncDisposable {
  readonly #model: Model;
  readonly #classes: ReadonlySet<string>;
  readonly #judge: LooksJudge | undefined;

  private constructor(model: Model, classes: readonly string[]) {
    this.#model = model;
    this.#judge = model.info.looks && new LooksJudge(model.info.looks);
    this.#classes = new Set(classes.map((name) => name.toLowerCase()));
  }

  /**
   * @param classes of the detector, whose objects are to be named; upper and lower case are the same
   * @throws {AppError} `input` where the file is no face model (`--network mlp`)
   */
  static async open(
    file: Uint8Array | string,
    classes: readonly string[],
    options: EngineOptions,
    log: Log,
  ): Promise<Namer> {
    const model = await openModel(file, options, log);
    const { kind } = model.info.network;
    if (kind === "mlp") return new Namer(model, classes);
    await model[Symbol.asyncDispose]();
    throw new AppError("input", `${model.info.name} is a ${kind} model and cannot name faces`, {
      hint: "train one with --network mlp on a folder that holds a folder of pictures for each person",
    });
  }

  /** Who this model knows. */
  get people(): readonly string[] {
    return this.#model.info.classes;
  }

  /**
   * @param picture that the detections are of
   * @param classes the detector's
   * @returns the detections, those of the chosen classes with a guess who it is
   */
  async name(
    picture: Picture,
    detections: readonly Detection[],
    classes: readonly string[],
  ): Promise<Detection[]> {
    const named = detections
      .filter((one) => this.#classes.has((classes[one.classIndex] ?? "").toLowerCase()))
      .filter(({ box: [x1, y1, x2, y2] }) => x2 - x1 >= SIDE_PX_MIN && y2 - y1 >= SIDE_PX_MIN)
      .sort((a, b) => boxArea(b.box) - boxArea(a.box))
      .slice(0, NAMED_MAX);
    if (named.length === 0) return [...detections];
    const crops = named.map(({ box }) => crop(picture, box));
    const answers = await this.#model.detect(crops, { minScore: 0 });
    return detections.map((one) => {
      const place = named.indexOf(one);
      const best = answers[place]?.[0];
      if (best === undefined) return one;
      const strangeness = this.#judge?.strangeness(crops[place]!, best.classIndex);
      const guess = { name: this.people[best.classIndex] ?? "", score: best.score };
      return { ...one, guess: strangeness === undefined ? guess : { ...guess, strangeness } };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }
}

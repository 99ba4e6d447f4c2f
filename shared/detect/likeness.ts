import { AppError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { quantile } from "../dataset/statistics.ts";
import { crop } from "../image/resize.ts";
import type { Picture } from "../image/types.ts";
import type { PeopleLooks } from "../nn/model-file.ts";
import { faceLook, LOOK_LENGTH, toLength1, unlikeness } from "./face-look.ts";

/** Parts of each picture that are learnt beside the whole: a detector's box is never drawn quite alike. */
const PARTS = 6;
/** Of these the look is held against the other pictures. */
const TRIED_PARTS = 3;
/** A part has at least this share of the picture's sides. */
const PART_SHARE_MIN = 0.8;

/** What is kept of one picture while the looks are learnt. */
interface LearntPicture {
  /** Sum of the looks of the picture and its parts. */
  readonly sum: Float32Array;
  readonly tried: readonly Float32Array[];
}

/**
 * Learns what people look like, and from which unlikeness on somebody is a stranger. That limit is found among those who
 * are known: midway between how unlike each person's pictures are to the person's other pictures, and how unlike to the
 * likest other person, who is a stranger to them; the middle ones of both.
 */
export class LooksLearner {
  readonly #people: LearntPicture[][];
  readonly #random: Random;

  constructor(peopleCount: number) {
    this.#people = Array.from({ length: peopleCount }, () => []);
    this.#random = new Random("looks", peopleCount);
  }

  /** @param picture a face that fills it, as those do that the network learns from */
  add(person: number, picture: Picture): void {
    const parts = Array.from({ length: PARTS }, () => faceLook(this.#partOf(picture)));
    const sum = sumOf([faceLook(picture), ...parts]);
    this.#people[person]?.push({ sum, tried: parts.slice(0, TRIED_PARTS) });
  }

  /** `undefined` where nobody has two pictures, or nobody else is known: then nothing says who is a stranger. */
  result(): PeopleLooks | undefined {
    const looks = this.#people.map((own) => toLength1(sumOf(own.map(({ sum }) => sum))));
    const same: number[] = [];
    const other: number[] = [];
    this.#people.forEach((own, person) => {
      const others = looks.filter((_, place) => place !== person && this.#people[place]!.length > 0);
      own.forEach(({ tried }, place) => {
        const rest = own.filter((_, i) => i !== place);
        const without = toLength1(sumOf(rest.map(({ sum }) => sum)));
        for (const look of tried) {
          if (rest.length > 0) same.push(unlikeness(look, without));
          if (others.length > 0) other.push(Math.min(...others.map((one) => unlikeness(look, one))));
        }
      });
    });
    if (same.length === 0 || other.length === 0) return undefined;
    return { looks: looks.map(encodeLook), limit: (middleOf(same) + middleOf(other)) / 2 };
  }

  #partOf(picture: Picture): Picture {
    const share = this.#random.between(PART_SHARE_MIN, 1);
    const [width, height] = [share * picture.width, share * picture.height];
    const left = this.#random.unit() * (picture.width - width);
    const top = this.#random.unit() * (picture.height - height);
    return crop(picture, [left, top, left + width, top + height]);
  }
}

/** Says how unlike a face is to those whose looks a model holds. */
export class LooksJudge {
  readonly #looks: readonly Float32Array[];
  readonly #limit: number;

  /** @throws {AppError} `input` where a look is damaged */
  constructor({ looks, limit }: PeopleLooks) {
    this.#looks = looks.map(decodeLook);
    this.#limit = limit;
  }

  /** How unlike a face is to a person's, in shares of what is still taken for them: more than 1 is a stranger. */
  strangeness(picture: Picture, person: number): number {
    const look = this.#looks[person];
    return look === undefined ? Number.POSITIVE_INFINITY : unlikeness(faceLook(picture), look) / this.#limit;
  }
}

function sumOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(LOOK_LENGTH);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!;
  return sum;
}

function middleOf(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/** A byte for each number, the largest being 255: only the direction counts. */
function encodeLook(look: Float32Array): string {
  const most = look.reduce((so, value) => Math.max(so, value), 1e-9);
  return Buffer.from(Uint8Array.from(look, (value) => Math.round((255 * value) / most))).toString("base64");
}

function decodeLook(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length !== LOOK_LENGTH) throw new AppError("input", "the model's looks of people are damaged");
  return toLength1(Float32Array.from(bytes));
}

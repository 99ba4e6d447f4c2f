import { AppError } from "../../shared/base/errors.ts";
import { silentLog } from "../../shared/base/log.ts";
import { Random } from "../../shared/base/random.ts";
import { NameBook } from "../../shared/detect/name-book.ts";
import { Namer } from "../../shared/detect/namer.ts";
import type { Box, Guess } from "../../shared/detect/types.ts";
import { resizeBilinear } from "../../shared/image/resize.ts";
import type { Picture } from "../../shared/image/types.ts";
import { openNativeEngine } from "../../shared/nn/native/engine.ts";
import { drawnFace } from "../support/drawn-faces.ts";
import { FACES, loadPeople, trainFaces } from "../support/faces.ts";
import type { BenchSize, Figures } from "./harness.ts";

/** Pictures of each known person to learn from, and of each visit. */
const LEARNT = 5;
/** As the program's recipe has it for 20 people. */
const SAMPLES_EACH = 800;
const SAMPLES_MIN = 1600;
/** A detector's box leaves out up to this share of the picture's sides. */
const CUT_SHARE = 0.15;
/** A face far away, in pixels. */
const FAR_WIDTH_PX = 28;
/** Certainties asked for: without looks as it was, and with them. */
const CERTAIN_ALONE = 0.8;
const CERTAIN = 0.6;

/**
 * Who is named? Some people of faces/orl are learnt, the others are strangers; five pictures of somebody are a visit.
 * Shares of known people that are named right (a wrong name counts as none), and of strangers who are given a name, by
 * the network's certainty alone and with looks; where boxes fit like the learnt pictures, where they are cut, and far away.
 */
export async function run(size: BenchSize): Promise<Figures> {
  const isSmoke = size === "smoke";
  const people = isSmoke ? drawnPeople() : await realPeople();
  const figures: Record<string, number> = {};
  for (const known of isSmoke ? [2] : [2, 5, 10]) {
    const tally: Tally = new Map();
    const seeds = isSmoke ? 1 : known === 2 ? 8 : 4;
    const samples = isSmoke ? 64 : Math.max(SAMPLES_MIN, SAMPLES_EACH * known);
    for (let seed = 1; seed <= seeds; seed++) await countVisits(people, { known, seed, samples }, tally);
    for (const [name, { named, visits }] of tally) figures[`${known}${name}Share`] = named / visits;
  }
  return figures;
}

/** How the faces of a visit are seen, and the share of their sides that boxes cut. */
const VIEWS = [
  ["Whole", 0],
  ["Cut", CUT_SHARE],
  ["Far", CUT_SHARE],
] as const;

type Tally = Map<string, { named: number; visits: number }>;
/** Pictures of each person. */
type People = readonly (readonly Picture[])[];

async function realPeople(): Promise<People> {
  if (FACES === undefined) throw new AppError("usage", "the data set faces/orl is not here");
  return (await loadPeople()).map((own) => own.map(({ picture }) => picture));
}

function drawnPeople(): People {
  return Array.from({ length: 4 }, (_, person) =>
    Array.from({ length: 2 * LEARNT }, (_, i) => drawnFace(person, i)),
  );
}

async function countVisits(
  people: People,
  { known: knownCount, seed, samples }: { known: number; seed: number; samples: number },
  tally: Tally,
): Promise<void> {
  const random = new Random(seed, "strangers", knownCount);
  const order = [...random.permutation(people.length)].map((person) =>
    [...random.permutation(people[person]!.length)].map((place) => people[person]![place]!),
  );
  const known = order.slice(0, knownCount);
  const names = known.map((_, i) => `person ${i}`);
  const learnt = known.map((own) =>
    own.slice(0, LEARNT).map((picture, i) => {
      const { width, height } = picture;
      return { id: `${i}`, picture, originalWidth: width, originalHeight: height, labels: [] };
    }),
  );
  await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
  const file = await trainFaces(engine, learnt, names, samples);
  await using namer = await Namer.open(file, ["face"], { device: "cpu", threads: 1 }, silentLog);
  const visits = [
    ...known.map((own, i) => ({ name: names[i], pictures: own.slice(LEARNT) })),
    ...order.slice(knownCount).flatMap((own) => [
      { name: undefined, pictures: own.slice(0, LEARNT) },
      { name: undefined, pictures: own.slice(LEARNT) },
    ]),
  ];
  for (const { name, pictures } of visits) {
    for (const [view, cut] of VIEWS) {
      const guesses: Guess[] = [];
      for (const near of pictures) {
        const picture = view === "Far" ? fromAfar(near) : near;
        const seen = { classIndex: 0, score: 0.9, box: partOf(picture, cut, random) };
        const [{ guess } = seen as { guess?: Guess }] = await namer.name(picture, [seen], ["face"]);
        guesses.push(guess!);
      }
      const where = `${name === undefined ? "Strangers" : "Known"}${view}`;
      const alone = guesses.map(({ strangeness: _, ...guess }) => guess);
      const answers = { Alone: nameOf(alone, CERTAIN_ALONE), Looks: nameOf(guesses, CERTAIN) };
      for (const [how, answer] of Object.entries(answers)) {
        const count = tally.get(where + how) ?? { named: 0, visits: 0 };
        const isNamed = name === undefined ? answer !== undefined : answer === name;
        tally.set(where + how, { named: count.named + Number(isNamed), visits: count.visits + 1 });
      }
    }
  }
}

function nameOf(guesses: readonly Guess[], certain: number): string | undefined {
  const book = new NameBook(certain);
  for (const guess of guesses) book.hear(1, guess);
  return book.nameOf(1);
}

function fromAfar(picture: Picture): Picture {
  return resizeBilinear(picture, FAR_WIDTH_PX, Math.round((FAR_WIDTH_PX * picture.height) / picture.width));
}

function partOf({ width, height }: Picture, cut: number, random: Random): Box {
  const share = 1 - cut * random.unit();
  const left = random.unit() * (1 - share) * width;
  const top = random.unit() * (1 - share) * height;
  return [left, top, left + share * width, top + share * height];
}

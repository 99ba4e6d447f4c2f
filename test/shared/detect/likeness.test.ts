import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { faceLook, LOOK_LENGTH, unlikeness } from "../../../shared/detect/face-look.ts";
import { LooksJudge, LooksLearner } from "../../../shared/detect/likeness.ts";
import { NameBook } from "../../../shared/detect/name-book.ts";
import { Namer } from "../../../shared/detect/namer.ts";
import { resizeBilinear } from "../../../shared/image/resize.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { drawnFace } from "../../support/drawn-faces.ts";
import { FACES, loadPeople, trainFaces } from "../../support/faces.ts";
import { BUSY_MACHINE_MS, LONG_WORK_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

describe("a face's look", () => {
  test("has length 1, and does not change with the light", () => {
    const face = drawnFace(0, 0);
    const look = faceLook(face);
    expect(look).toHaveLength(LOOK_LENGTH);
    expect(unlikeness(look, look)).toBeCloseTo(0, 5);
    const dark = { ...face, data: face.data.map((level) => 20 + level / 3) };
    expect(unlikeness(look, faceLook(dark))).toBeLessThan(0.15);
  });

  test("is more like another picture's of the person than anybody else's", () => {
    const look = faceLook(drawnFace(1, 0));
    expect(unlikeness(look, faceLook(drawnFace(1, 1)))).toBeLessThan(
      unlikeness(look, faceLook(drawnFace(2, 0))),
    );
  });
});

describe("learnt looks", () => {
  test("tell who is a stranger, from those alone who are known", () => {
    const learner = new LooksLearner(2);
    for (const person of [0, 1]) for (const i of [0, 1, 2]) learner.add(person, drawnFace(person, i));
    const judge = new LooksJudge(learner.result()!);
    for (const person of [0, 1]) {
      expect(judge.strangeness(drawnFace(person, 9), person)).toBeLessThan(1);
      expect(judge.strangeness(drawnFace(person, 9), 1 - person)).toBeGreaterThan(1);
      expect(judge.strangeness(drawnFace(3, 9), person)).toBeGreaterThan(1);
    }
    expect(judge.strangeness(drawnFace(0, 9), 5)).toBe(Number.POSITIVE_INFINITY);
  });

  test("are none where a person has one picture, or is alone", () => {
    const each = new LooksLearner(2);
    for (const person of [0, 1]) each.add(person, drawnFace(person, 0));
    expect(each.result()).toBeUndefined();
    const alone = new LooksLearner(1);
    for (const i of [0, 1, 2]) alone.add(0, drawnFace(0, i));
    expect(alone.result()).toBeUndefined();
  });

  test("that are damaged are refused", () => {
    expect(() => new LooksJudge({ looks: ["AAAA"], limit: 0.2 })).toThrow("looks of people are damaged");
  });
});

test.skipIf(FACES === undefined)(
  "of the strangers whom the network takes for somebody it knows, most get no name; who is known does, from afar too",
  async () => {
    const people = (await loadPeople()).slice(0, 14);
    const names = ["Ana", "Beto", "Carla", "Diego"];
    await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
    const learnt = people.slice(0, 4).map((own) => own.slice(0, 5));
    const file = await trainFaces(engine, learnt, names, 2000);
    await using namer = await Namer.open(file, ["face"], { device: "cpu", threads: 1 }, silentLog);
    const namesOf = async (own: (typeof people)[number]) => {
      const [alone, looks] = [new NameBook(0.6), new NameBook(0.6)];
      for (const { picture } of own.slice(5)) {
        const box = [0, 0, picture.width, picture.height] as const;
        const [seen] = await namer.name(picture, [{ classIndex: 0, score: 0.9, box }], ["face"]);
        const { name, score } = seen!.guess!;
        alone.hear(1, { name, score });
        looks.hear(1, seen!.guess!);
      }
      return { alone: alone.nameOf(1), looks: looks.nameOf(1) };
    };
    for (const [i, own] of people.slice(0, 4).entries()) {
      expect((await namesOf(own)).looks).toBe(names[i]!);
      const far = own.map((one) => ({ ...one, picture: resizeBilinear(one.picture, 28, 34) }));
      expect((await namesOf(far)).looks).toBe(names[i]!);
    }
    const strangers = [];
    for (const own of people.slice(4)) strangers.push(await namesOf(own));
    const taken = strangers.filter(({ alone }) => alone !== undefined);
    expect(taken.length).toBeGreaterThanOrEqual(4);
    expect(taken.filter(({ looks }) => looks !== undefined).length).toBeLessThan(taken.length / 2);
  },
  LONG_WORK_MS,
);

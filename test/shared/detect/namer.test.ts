import { expect, setDefaultTimeout, test } from "bun:test";
import { silentLog } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import { openModel } from "../../../shared/detect/model.ts";
import { NAMED_CLASSES, Namer } from "../../../shared/detect/namer.ts";
import type { Box } from "../../../shared/detect/types.ts";
import { crop } from "../../../shared/image/resize.ts";
import { encodeModelFile } from "../../../shared/nn/model-file.ts";
import { buildNetwork, type NetworkConfig } from "../../../shared/nn/networks/config.ts";
import { blockPictures } from "../../support/blocks.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { modelInfo } from "../../support/model-info.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const CPU = { device: "cpu", threads: 1 } as const;
const PEOPLE = ["Ana", "Beto", "Carla"];

function modelOf(network: NetworkConfig): Uint8Array {
  const info = { ...modelInfo(network), classes: PEOPLE.slice(0, network.classCount) };
  return encodeModelFile(
    info,
    buildNetwork(network).parameters.start((name) => new Random(9, name)),
  );
}

test("people and faces get the guess that their part of the picture gives alone; other things none", async () => {
  const file = modelOf({ kind: "mlp", classCount: 3, hidden: 8 });
  await using namer = await Namer.open(file, NAMED_CLASSES, CPU, silentLog);
  await using model = await openModel(file, CPU, silentLog);
  expect(namer.people).toEqual(PEOPLE);
  const { picture } = blockPictures(1, 2, 200)[0]!;
  const boxes: Box[] = [
    [10, 10, 90, 110],
    [20, 15, 80, 95],
    [100, 20, 180, 120],
  ];
  const detections = boxes.map((box, classIndex) => ({ classIndex, score: 0.9, box }));
  const named = await namer.name(picture, detections, ["Persona", "car", "face"]);
  expect(named.map(({ guess }) => guess !== undefined)).toEqual([true, false, true]);
  for (const { box, guess } of named.filter((one) => one.guess !== undefined)) {
    const [[alone] = []] = await model.detect([crop(picture, box)], { minScore: 0 });
    expect(guess!.name).toBe(PEOPLE[alone!.classIndex]!);
    expect(guess!.score).toBeCloseTo(alone!.score, 5);
  }
});

test("what is too small to have a face is not named", async () => {
  const file = modelOf({ kind: "mlp", classCount: 3, hidden: 8 });
  await using namer = await Namer.open(file, ["face"], CPU, silentLog);
  const { picture } = blockPictures(1, 2, 200)[0]!;
  const small = { classIndex: 0, score: 0.9, box: [10, 10, 18, 40] } as const;
  expect(await namer.name(picture, [small], ["face"])).toEqual([small]);
});

test("a model that is no face model is refused as input, with what to do", async () => {
  const file = modelOf({ kind: "single-box", size: 64, classCount: 3 });
  const opened = Namer.open(file, ["face"], CPU, silentLog);
  expect(opened).rejects.toMatchObject({ kind: "input", hint: expect.stringContaining("--network mlp") });
});

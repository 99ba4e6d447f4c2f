import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NAMED_CLASSES } from "../../../shared/detect/namer.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import { resizeBilinear } from "../../../shared/image/resize.ts";
import type { Picture } from "../../../shared/image/types.ts";
import { openNativeEngine } from "../../../shared/nn/native/engine.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { FACES, loadPeople, trainFaces } from "../../support/faces.ts";
import { fixedDetector } from "../../support/fixed-detector.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startTester, startVideo, testSite } from "../../support/site-roles.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(4 * BUSY_MACHINE_MS); // it trains

const SIDE_PX = 240;
const NAMES = ["Maria", "José", "Ana"];

/** A grey frame with a face in the place where the detector of this test sees one. */
function frameWith(face: Picture): Picture {
  const data = new Uint8Array(SIDE_PX * SIDE_PX * 3).fill(90);
  const { width, height, data: pixels } = resizeBilinear(face, 100, 120);
  for (let y = 0; y < height; y++) {
    data.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), ((60 + y) * SIDE_PX + 70) * 3);
  }
  return { width: SIDE_PX, height: SIDE_PX, data };
}

test.skipIf(FACES === undefined)(
  "a face that a camera shows is named in the log, from pictures that the face model never saw",
  async () => {
    using folder = tempFolder();
    const people = (await loadPeople()).slice(0, NAMES.length);
    await using engine = await openNativeEngine({ device: "cpu", threads: 1 });
    const learnt = people.map((pictures) => pictures.slice(0, 5));
    const faces = join(folder.path, "people.onnx");
    writeFileSync(faces, await trainFaces(engine, learnt, NAMES, 1500));
    const detector = join(folder.path, "faces.onnx");
    const box = [70 / SIDE_PX, 60 / SIDE_PX, 170 / SIDE_PX, 180 / SIDE_PX] as const;
    writeFileSync(detector, fixedDetector(["face", "other"], box));

    const cameras = [];
    for (const [person, pictures] of people.entries()) {
      const film = join(folder.path, `camera-${person}`);
      mkdirSync(film);
      for (const [i, { picture }] of pictures.slice(5).entries()) {
        writeFileSync(join(film, `${i}.jpg`), await encodeJpeg(frameWith(picture), 90));
      }
      cameras.push({ name: `camera-${person}`, source: film, options: { paced: "false", seconds: "0.4" } });
    }
    const site = testSite();
    const stop = new AbortController();
    const video = await startVideo(site, cameras, stop.signal);
    const tester = await startTester(site, folder.path, [video.address], stop.signal, {
      model: { file: detector },
      faces: { model: { file: faces }, classes: NAMED_CLASSES, scoreMin: 0.6 },
      endWithCameras: true,
    });
    await tester.ended;
    stop.abort();
    await video.ended;

    using log = new SightingLog(join(folder.path, "data"));
    const seen = log.list().map(({ camera, className, name }) => ({ camera, className, name }));
    expect(seen.sort((a, b) => a.camera.localeCompare(b.camera))).toEqual(
      NAMES.map((name, i) => ({ camera: `camera-${i}`, className: "face", name })),
    );
  },
  30_000,
);

/** One camera's watch with a model that sees one thing in every picture, always in the same place. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { CameraWatch } from "../../../roles/tester/camera-watch.ts";
import { DEFAULT_RULES } from "../../../roles/tester/options.ts";
import { SightingWriter } from "../../../roles/tester/sighting-writer.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { DetectPool } from "../../../shared/detect/pool.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import type { Sighting } from "../../../shared/store/sighting.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { fixedDetector } from "../../support/fixed-detector.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SIDE_PX = 64;
const FRAME_MS = 200;
const CATS = fixedDetector(["cat", "other"], [0.25, 0.25, 0.75, 0.75]);
const DOGS = fixedDetector(["dog", "other"], [0.25, 0.25, 0.75, 0.75]);

let pool: DetectPool;
let jpeg: Uint8Array;
beforeAll(async () => {
  pool = new DetectPool(1, silentLog);
  const grey = new Uint8Array(SIDE_PX * SIDE_PX * 3).fill(90);
  jpeg = await encodeJpeg({ width: SIDE_PX, height: SIDE_PX, data: grey }, 90);
});
afterAll(() => pool[Symbol.asyncDispose]());

/** Does something else at the worst moment: while the first sighting is being saved. */
class MeddledWriter extends SightingWriter {
  meddle: (() => void) | undefined;

  override write(...change: Parameters<SightingWriter["write"]>): ReturnType<SightingWriter["write"]> {
    const saved = super.write(...change);
    this.meddle?.();
    this.meddle = undefined;
    return saved;
  }
}

/** A camera that shows one picture, five times a second by its own clock. */
class Scene implements Disposable {
  readonly #folder = tempFolder();
  readonly log = new SightingLog(this.#folder.path);
  readonly writer = new MeddledWriter(this.log, silentLog, () => {});
  readonly watch: CameraWatch;
  #sequence = 0;
  atMs = 1e12;

  constructor(model: Awaited<ReturnType<DetectPool["load"]>>) {
    this.watch = new CameraWatch(
      {
        name: "gate",
        state: "live",
        problem: undefined,
        framesPerSecond: 5,
        skipped: 0,
        delivery: "newest",
        hasLargePhotos: false,
      },
      model,
      { pool, rules: DEFAULT_RULES, near: {}, nameScoreMin: 1, writer: this.writer, log: silentLog },
    );
  }

  async frames(count: number, slide?: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.atMs += FRAME_MS;
      await this.watch.look({
        camera: "gate",
        sequence: this.#sequence++,
        capturedMs: this.atMs,
        mediaMs: undefined,
        width: SIDE_PX,
        height: SIDE_PX,
        skipped: 0,
        cameraClockAheadMs: undefined,
        slide,
        glance: undefined,
        jpeg,
      });
    }
  }

  /** Lets no row come into the log, as a full disk does. */
  refuseRows(): void {
    this.#run("CREATE TRIGGER broken BEFORE INSERT ON sighting BEGIN SELECT RAISE(ABORT, 'broken'); END");
  }

  allowRows(): void {
    this.#run("DROP TRIGGER broken");
  }

  #run(sql: string): void {
    using other = new Database(join(this.#folder.path, "sightings.sqlite"));
    other.run(sql);
  }

  get rows(): Sighting[] {
    return this.log.list();
  }

  [Symbol.dispose](): void {
    this.log[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

test("rules that change while a sighting is being saved leave none open for ever, and none doubled", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  scene.writer.meddle = () => void scene.watch.useRules({ heightMin: 0.1 });
  await scene.frames(12);
  expect(scene.watch.openCount).toBe(1);
  await scene.watch.end(false);
  expect(scene.rows.map(({ className, closed }) => [className, closed])).toEqual([["cat", true]]);
});

test("two pictures of a slide show, however alike, show two things; one picture shows one", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  await scene.frames(10, 0);
  await scene.frames(10, 1);
  await scene.watch.end(false);
  expect(scene.rows.map(({ className, closed }) => [className, closed])).toEqual([
    ["cat", true],
    ["cat", true],
  ]);
});

test("a model that comes while a sighting is being saved ends it; the same thing under its new name is another", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  const switched = Promise.withResolvers<void>();
  scene.writer.meddle = () => {
    void pool
      .load(DOGS, "cpu")
      .then((dogs) => scene.watch.switchModel(dogs))
      .then(switched.resolve, switched.reject);
  };
  await scene.frames(4);
  await switched.promise;
  await scene.frames(6);
  await scene.watch.end(false);
  expect(scene.rows.map(({ className, closed }) => [className, closed])).toEqual([
    ["cat", true],
    ["dog", true],
  ]);
});

test("what stands there while nothing can be saved is in the log a second after something can be", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  scene.refuseRows();
  await scene.frames(30);
  expect([scene.rows.length, scene.writer.alarm !== undefined]).toEqual([0, true]);
  scene.allowRows();
  await scene.frames(6);
  expect(scene.rows.map(({ closed, lastSeenMs }) => [closed, lastSeenMs <= scene.atMs])).toEqual([
    [false, true],
  ]);
  expect(scene.writer.alarm).toBeUndefined();
});

test("what another model has seen already is never called by this one's names", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  const dogs = await pool.load(DOGS, "cpu");
  await scene.frames(6);
  expect(scene.rows).toEqual([]);
  await scene.watch.switchModel(dogs);
  await scene.frames(6);
  expect(scene.rows.map(({ className }) => className)).toEqual(["dog"]);
});

test("a newer version of a model, or rules that say the same, let visits go on", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  await scene.watch.useRules({ heightMin: 0.1 });
  await scene.frames(6);
  expect(scene.watch.openCount).toBe(1);
  await scene.watch.switchModel(await pool.load(CATS, "cpu"));
  await scene.watch.useRules({ heightMin: 0.1 });
  expect(scene.watch.openCount).toBe(1);
  await scene.frames(6);
  await scene.watch.end(false);
  expect(scene.rows.map(({ lastSeenMs, closed }) => [lastSeenMs, closed])).toEqual([[scene.atMs, true]]);
});

test("of what a photo shows too little to know it again, what stands there after hours is another thing; after minutes it is the same", async () => {
  for (const [goneMs, visits] of [
    [8 * 3600_000, 2],
    [5 * 60_000, 1],
  ] as const) {
    using scene = new Scene(await pool.load(CATS, "cpu"));
    await scene.frames(15);
    const lastMs = scene.atMs;
    scene.atMs += goneMs;
    await scene.frames(6);
    await scene.watch.end(false);
    const { rows } = scene;
    expect(rows.map(({ closed }) => closed)).toEqual(Array.from({ length: visits }, () => true));
    expect(rows[0]!.lastSeenMs).toBe(visits === 2 ? lastMs : scene.atMs);
  }
});

test("of a camera that gives no frame for a minute nobody says that something is still there", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  await scene.frames(6);
  await scene.watch.endIfBlind(performance.now() + 30_000);
  expect(scene.rows.map(({ closed }) => closed)).toEqual([false]);
  await scene.watch.endIfBlind(performance.now() + 61_000);
  expect(scene.rows.map(({ closed, lastSeenMs }) => [closed, lastSeenMs])).toEqual([[true, scene.atMs]]);
});

test("who looks at a quiet camera sees each picture that comes, with what stands there", async () => {
  using scene = new Scene(await pool.load(CATS, "cpu"));
  for (let i = 0; i < 30; i++) {
    await scene.frames(1);
    expect(scene.watch.latest?.capturedMs).toBe(scene.atMs);
  }
  expect(scene.watch.latest?.detections.map(({ classIndex }) => classIndex)).toEqual([0]);
});

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { SightingWriter, type Written } from "../../../roles/tester/sighting-writer.ts";
import { silentLog } from "../../../shared/base/log.ts";
import type { Box } from "../../../shared/detect/types.ts";
import type { VisitChange } from "../../../shared/detect/visits.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import { SightingLog } from "../../../shared/store/sightings.ts";
import { tempFolder } from "../../support/temp.ts";

const OWNER = { camera: "gate", className: "cat", name: undefined, model: "cats", modelVersion: 1 };
const SMALL = { width: 64, height: 48 };
const LARGE = { width: 128, height: 96 };

function jpegOf({ width, height }: { width: number; height: number }): Promise<Uint8Array> {
  return encodeJpeg({ width, height, data: new Uint8Array(3 * width * height).fill(90) }, 90);
}

/** A log and who writes it. */
class Desk implements Disposable {
  readonly #folder = tempFolder();
  readonly log = new SightingLog(this.#folder.path);
  readonly writer = new SightingWriter(this.log, silentLog, () => {});
  #sequence = 0;

  async write(
    key: string,
    kind: VisitChange["kind"],
    atMs: number,
    box: Box = [10, 10, 30, 30],
  ): Promise<Written> {
    return this.writer.write(
      key,
      kind,
      {
        key: 1,
        classIndex: 0,
        score: 0.8,
        box,
        firstSeenMs: 1000,
        lastSeenMs: atMs,
        zone: "",
        trackId: kind === "closed" ? undefined : 1,
        path: [],
      },
      {
        camera: "gate",
        sequence: this.#sequence++,
        capturedMs: atMs,
        mediaMs: undefined,
        ...SMALL,
        skipped: 0,
        cameraClockAheadMs: undefined,
        slide: undefined,
        glance: undefined,
        jpeg: await jpegOf(SMALL),
      },
      OWNER,
    );
  }

  /** Makes each change of a row fail until the result is disposed. */
  breakUpdates(): Disposable {
    const run = (sql: string): void => {
      using other = new Database(join(this.#folder.path, "sightings.sqlite"));
      other.run(sql);
    };
    run("CREATE TRIGGER broken BEFORE UPDATE ON sighting BEGIN SELECT RAISE(ABORT, 'broken'); END");
    return { [Symbol.dispose]: () => run("DROP TRIGGER broken") };
  }

  [Symbol.dispose](): void {
    this.log[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

test("an end that could not be saved is saved as soon as anything can be", async () => {
  using desk = new Desk();
  await desk.write("a", "opened", 2000);
  {
    using _ = desk.breakUpdates();
    await desk.write("a", "closed", 3000);
    expect(desk.writer.alarm).toMatchObject({ kind: "other" });
  }
  await desk.write("b", "opened", 9000);
  expect(desk.log.list().map(({ closed, lastSeenMs }) => [closed, lastSeenMs])).toEqual([
    [true, 3000],
    [false, 9000],
  ]);
  expect(desk.writer.alarm).toBeUndefined();
});

test("a photo that could not be saved is asked for again", async () => {
  using desk = new Desk();
  expect((await desk.write("a", "opened", 2000)).lacksPhoto).toBe(false);
  {
    using _ = desk.breakUpdates();
    expect(await desk.write("a", "better", 2200, [0, 0, 40, 40])).toEqual({
      shown: undefined,
      lacksPhoto: true,
    });
  }
  const again = await desk.write("a", "better", 2400, [0, 0, 44, 44]);
  expect(again).toMatchObject({ shown: { box: [0, 0, 44, 44] }, lacksPhoto: false });
});

test("a row that was removed while its visit goes on is no failure: a new one is opened", async () => {
  using desk = new Desk();
  await desk.write("a", "opened", 2000);
  await desk.write("a", "closed", 3000);
  const [row] = desk.log.list();
  desk.writer.adopt("b", row!);
  desk.writer.adopt("c", row!);
  expect(desk.log.remove([row!.id])).toBe(1);
  expect((await desk.write("b", "continued", 4000)).lacksPhoto).toBe(true);
  await desk.write("c", "closed", 4000);
  await desk.write("b", "better", 5000, [0, 0, 40, 40]);
  expect(desk.writer.alarm).toBeUndefined();
  expect(desk.log.list().map(({ box, closed }) => [...box, closed])).toEqual([[0, 0, 40, 40, false]]);
});

test("a large photo takes the place of the one that it shows again, and of no other", async () => {
  using desk = new Desk();
  const large = { ...LARGE, jpeg: await jpegOf(LARGE) };
  const { shown: first } = await desk.write("a", "opened", 2000, [10, 10, 20, 20]);
  const { shown: second } = await desk.write("a", "better", 3000, [20, 10, 50, 40]);
  await desk.writer.enlarge(first!, SMALL, large);
  expect(desk.log.list()).toEqual([second!]);
  desk.log.touch(second!.id, { lastSeenMs: 7000, lastMediaMs: undefined, closed: false });
  await desk.writer.enlarge(second!, SMALL, large);
  await desk.writer.enlarge(second!, SMALL, large);
  const [row] = desk.log.list();
  expect(row).toMatchObject({ box: [40, 20, 100, 80], lastSeenMs: 7000 });
  expect(await Bun.file(desk.log.photos.pathOf(row!.photo)).bytes()).toEqual(new Uint8Array(large.jpeg));
});

test("a large photo that is late by a better one, which comes while its close-up is cut, is dropped", async () => {
  using desk = new Desk();
  const large = { ...LARGE, jpeg: await jpegOf(LARGE) };
  const { shown: first } = await desk.write("a", "opened", 2000, [10, 10, 20, 20]);
  const enlarging = desk.writer.enlarge(first!, SMALL, large);
  const jpeg = await jpegOf(SMALL);
  const better = desk.log.improve(
    first!.id,
    { score: 0.9, box: [20, 10, 50, 40], lastSeenMs: 3000, lastMediaMs: undefined },
    jpeg,
  );
  await enlarging;
  expect(desk.log.list()).toEqual([better!]);
});

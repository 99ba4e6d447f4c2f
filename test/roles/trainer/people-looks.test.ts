import { expect, test } from "bun:test";
import { looksOf } from "../../../roles/trainer/people-looks.ts";
import { AppError } from "../../../shared/base/errors.ts";
import { LooksJudge } from "../../../shared/detect/likeness.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import type { SampleRow } from "../../../shared/wire/messages/training.ts";
import { drawnFace } from "../../support/drawn-faces.ts";

test("looks are learnt from pictures to learn from alone; a lost or damaged one costs nothing else", async () => {
  const files = new Map<string, Uint8Array>();
  const rowOf = async (person: number, shown: number, i: number, split: SampleRow["split"]) => {
    const sha256 = `${person} ${i} ${split}`;
    files.set(sha256, await encodeJpeg(drawnFace(shown, i), 90));
    const labels = [{ classIndex: person, box: [0, 0, 92, 112] as const, difficult: false }];
    return { id: sha256, split, sha256, fileBytes: 1, width: 92, height: 112, labels };
  };
  const rows: SampleRow[] = [];
  for (const person of [0, 1]) {
    for (const i of [0, 1, 2]) rows.push(await rowOf(person, person, i, "train"));
    // In the test pictures, each has the other's face.
    for (const i of [3, 4, 5]) rows.push(await rowOf(person, 1 - person, i, "test"));
  }
  const lost = { ...rows[0]!, sha256: "lost" };
  const damaged = { ...rows[0]!, sha256: "damaged" };
  files.set("damaged", new Uint8Array(10));
  const blobs = {
    async read(sha256: string) {
      const bytes = files.get(sha256);
      if (bytes === undefined) throw new AppError("input", `there is no ${sha256}`);
      return bytes;
    },
  };
  const { signal } = new AbortController();
  const looks = await looksOf([lost, damaged, ...rows], 2, blobs, signal);
  const judge = new LooksJudge(looks!);
  for (const person of [0, 1]) {
    expect(judge.strangeness(drawnFace(person, 8), person)).toBeLessThan(1);
    expect(judge.strangeness(drawnFace(1 - person, 8), person)).toBeGreaterThan(1);
  }
  expect(await looksOf(rows, 251, blobs, signal)).toBeUndefined();
  await expect(looksOf(rows, 2, blobs, AbortSignal.abort())).rejects.toMatchObject({ kind: "cancelled" });
});

import { expect, test } from "bun:test";
import * as training from "../../../shared/wire/messages/training.ts";

const { BlobPiece, Evaluated, OpenJob, SampleRows, StatePiece, SubmitJob, Standing } = training;
const sha256 = "ab".repeat(32);

test("what is sent is what arrives", () => {
  const row = {
    id: "Pictures/año 1",
    split: "val",
    sha256,
    fileBytes: 12_345,
    width: 640,
    height: 480,
    labels: [{ classIndex: 2, box: [1, 2.5, 30, 40] as const, difficult: true }],
  } as const;
  const rows = { rows: [{ ...row, labels: [...row.labels] }] };
  expect(SampleRows.decode(SampleRows.encode(rows))).toEqual(rows);
  const piece = { generation: 7, vector: 3, offset: 99, values: Float32Array.of(1, -0.5) };
  expect(StatePiece.decode(StatePiece.encode(piece))).toEqual(piece);
  for (const position of [undefined, { round: 4, pendingRound: undefined }, { round: 4, pendingRound: 5 }]) {
    expect(Standing.decode(Standing.encode({ generation: 1, position }))).toEqual({
      generation: 1,
      position,
    });
  }
});

test("a hash that is none, options that are no object, and scores without numbers are refused", () => {
  const blob = { offset: 0, totalBytes: 1, piece: Uint8Array.of(1) };
  expect(() =>
    BlobPiece.decode(BlobPiece.encode({ ...blob, sha256: "../../etc/passwd".padEnd(64, "x") })),
  ).toThrow();
  const job = { name: "a", classes: ["b"], sampleCount: 1 };
  const listed = [] as unknown as Record<string, unknown>;
  expect(() => SubmitJob.decode(SubmitJob.encode({ ...job, options: listed }))).toThrow(
    "malformed SubmitJob",
  );
  const scores = { map50: "much" } as unknown as training.Scores;
  expect(() => Evaluated.decode(Evaluated.encode({ evaluationId: 1, scores }))).toThrow(
    "malformed Evaluated",
  );
});

test("a message cut anywhere is refused", () => {
  const shards = [{ sha256, shardBytes: 5, split: "train" as const }];
  const whole = OpenJob.encode({ jobId: 1, createdMs: 2, plan: { seed: 1 }, shards, peers: [] });
  for (let length = 2; length < whole.length; length++) {
    expect(() => OpenJob.decode(whole.subarray(0, length))).toThrow("malformed OpenJob");
  }
});

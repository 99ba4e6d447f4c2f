import { expect, test } from "bun:test";
import { evaluate } from "../../shared/metrics/evaluation.ts";
import { evaluationTable } from "../../src/evaluation-table.ts";

test("an evaluation is a row a class in straight columns, whatever the names, and words instead of JSON", () => {
  const model = { classes: ["ant", "a class with a very long name indeed"], thresholds: [0.5, 0.5] };
  const box = [0, 0, 10, 10] as const;
  const picture = { truths: [{ classIndex: 0, box }], detections: [{ classIndex: 0, score: 0.9, box }] };
  const how = { imagesPerSecond: 12, engine: "native", format: "float32" };
  const lines = evaluationTable(evaluate(model, [picture]), how);
  const rows = lines.slice(0, lines.indexOf(""));
  expect(rows).toHaveLength(4);
  expect(new Set(rows.slice(0, 3).map((row) => row.length)).size).toBe(1);
  expect(rows[2]).toContain("a class with a very lo…       -      -");
  expect(lines.at(-1)).toBe(
    "one object a picture: class accuracy 1.0000  mean IoU 1.0000  a box's sides are off by 0.0 px (mean square 0 px²)",
  );
});

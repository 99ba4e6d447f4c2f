import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../../shared/base/errors.ts";
import { rulesFor } from "../../../../shared/detect/near/rules.ts";
import { parseRules } from "../../../../shared/detect/near/rules-file.ts";

/** What is wrong with a file, and what it expects. */
function mistakeIn(value: unknown): string {
  try {
    parseRules(typeof value === "string" ? value : JSON.stringify(value), "rules.json");
    return "nothing";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.kind).toBe("usage");
    return `${error.message}; ${error.hint}`;
  }
}

test("the README's example is read as it says", () => {
  const readme = readFileSync(join(import.meta.dir, "../../../../shared/detect/near/README.md"), "utf8");
  const example = /```json\n([\s\S]*?)```/.exec(readme)![1]!;
  const rules = parseRules(example, "README");
  const shop = rulesFor(rules, "shop");
  expect(shop.heightMin).toBe(0.08);
  expect(shop.zones?.map(({ name, dwellMs }) => [name, dwellMs])).toEqual([["counter", 3000]]);
  expect(shop.thresholds).toEqual({ person: 0.6, dog: 0.4 });
  expect(rulesFor(rules, "yard").distance?.nearMeters).toBe(8);
  expect(rulesFor(rules, "another").zones).toBeUndefined();
});

test("a mistake is named with its place, what stands there and what belongs there", () => {
  expect(mistakeIn("{")).toContain("rules.json is no JSON");
  expect(
    mistakeIn({
      cameras: {
        gate: {
          zones: [
            {
              name: "a",
              polygon: [
                [0, 0],
                [1, 0],
                [0.5, 1.4],
              ],
            },
          ],
        },
      },
    }),
  ).toBe("rules.json: cameras.gate.zones[0].polygon[2][1] is 1.4; expected: a number from 0 to 1");
  expect(mistakeIn({ camaras: {} })).toContain("camaras is {}; expected: another name: one of all, cameras");
  expect(mistakeIn({ all: { zones: [{ name: "door" }] } })).toContain("polygon is missing");
  expect(
    mistakeIn({
      all: {
        zones: [
          {
            name: "door",
            polygon: [
              [0, 0],
              [1, 1],
            ],
          },
        ],
      },
    }),
  ).toContain("three corners");
  expect(mistakeIn({ all: { lines: [{ name: "l", from: [0, 0], to: [1, 1], direction: "in" }] } })).toContain(
    "one of left-to-right, right-to-left, both",
  );
  const upsideDown = [
    { y: 0.2, meters: 3 },
    { y: 0.9, meters: 10 },
  ];
  expect(mistakeIn({ all: { distance: { marks: upsideDown, nearMeters: 5 } } })).toContain(
    "farther one higher",
  );
});

test("a camera called like a part of every object has no rules of its own", () => {
  expect(rulesFor(parseRules("{}", "rules"), "constructor")).toEqual({ thresholds: {} });
});

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");
const FOLDERS = ["test/shared/rtsp", "test/roles/video", "test/bench"];

test("each camera's habit in the README names a test that is there", () => {
  const text = readFileSync(join(root, "shared/rtsp/README.md"), "utf8");
  const table = text.slice(text.indexOf("| A camera")).split("\n\n")[0]!;
  const rows = table
    .split("\n")
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.length).toBeGreaterThan(30);
  const missing = rows.filter(([, , , place = ""]) => {
    const [file = "", words = ""] = place.split(": ");
    const name = file.endsWith(".bench") ? `${file}.ts` : `${file}.test.ts`;
    const path = FOLDERS.map((folder) => join(root, folder, name)).find(existsSync);
    return path === undefined || !readFileSync(path, "utf8").includes(words);
  });
  expect(missing.map(([, habit, , place]) => `${habit}: ${place}`)).toEqual([]);
});

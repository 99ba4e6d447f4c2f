import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/base/errors.ts";
import { Log, type LogLevel } from "../../../shared/base/log.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

function collect(least: LogLevel = "info"): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: new Log("trainer", [(line) => lines.push(line)], least), lines };
}

test("an error is one line, with its causes", () => {
  const { log, lines } = collect();
  const cause = new Error("ECONNREFUSED\nat somewhere");
  log.warn("no link", { error: new AppError("unavailable", "cannot reach 10.0.0.2", { cause }), tries: 3 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toEndWith(
    'warn  trainer  no link error="cannot reach 10.0.0.2: ECONNREFUSED at somewhere" tries=3',
  );
});

test("less important lines are left out, and a part of a log keeps the level", () => {
  const { log, lines } = collect("warn");
  log.info("quiet");
  log.child("job").debug("quiet");
  log.child("job").error("loud");
  log.atLeast("debug").info("still quiet");
  expect(lines.map((line) => line.slice(13))).toEqual(["error trainer/job loud"]);
});

test("four processes write one file at once: every line is whole", async () => {
  using folder = tempFolder();
  const path = join(folder.path, "vigia.log");
  const script = `
    import { Log, LogFile } from ${JSON.stringify(join(import.meta.dir, "../../../shared/base/log.ts"))};
    const [path, name] = process.argv.slice(1);
    using file = new LogFile(path);
    const log = new Log(name, [file.sink]);
    for (let i = 0; i < 500; i++) log.info("line " + i + " " + name.repeat(200));
  `;
  const writers = ["a", "b", "c", "d"].map((name) =>
    Bun.spawn([process.execPath, "-e", script, path, name], { stderr: "pipe" }),
  );
  expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  expect(lines).toHaveLength(2000);
  const whole = /^\S+ info {2}([abcd]) {8}line \d+ ([abcd])\2{199}$/;
  expect(lines.filter((line) => whole.exec(line)?.[1] !== whole.exec(line)?.[2])).toEqual([]);
  // Each process's own lines are in its order.
  const ofA = lines
    .filter((line) => line.includes(" a        "))
    .map((line) => Number(/line (\d+)/.exec(line)?.[1]));
  expect(ofA).toEqual(Array.from({ length: 500 }, (_, i) => i));
});

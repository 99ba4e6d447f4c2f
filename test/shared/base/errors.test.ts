import { expect, test } from "bun:test";
import { AppError, errorKind, errorLine, errorReport } from "../../../shared/base/errors.ts";

test("a report says what failed, why, and what to do next, without a stack", () => {
  const error = new AppError("unavailable", "cannot reach trainer 10.0.0.2:7700", {
    cause: new Error("ECONNREFUSED"),
    hint: "start it with --role trainer",
  });
  expect(errorReport(error)).toBe(
    "cannot reach trainer 10.0.0.2:7700\n  caused by: ECONNREFUSED\n  hint: start it with --role trainer",
  );
});

test("an error nobody foresaw is a bug, and shows where it happened", () => {
  expect(errorKind(new TypeError("x is undefined"))).toBe("bug");
  expect(errorReport(new TypeError("x is undefined"))).toContain("errors.test.ts");
});

test("a file or folder that the system refuses is no bug: its path, the cause, and what to do", () => {
  const refusals: [code: string, hint: string][] = [
    ["EROFS", "name another place"],
    ["ENOSPC", "make room on that disk"],
    ["ENOENT", "see that the path is right"],
  ];
  for (const [code, hint] of refusals) {
    const error = Object.assign(new Error(`${code}: no`), { code, path: "/kept/photos" });
    const report = errorReport(error);
    expect(report).toContain(`/kept/photos cannot be used\n  caused by: ${code}: no\n  hint: `);
    expect(report).toContain(hint);
    expect(report).not.toContain("errors.test.ts");
    const wrapped = errorReport(new AppError("input", "the rules cannot be read", { cause: error }));
    expect(wrapped).toStartWith(`the rules cannot be read\n  caused by: ${code}: no\n  hint: `);
    expect(wrapped).toContain(hint);
  }
});

test("a line names each cause once, however they are wrapped", () => {
  const cause = new AppError("input", "no end of image", { cause: new Error("premature end") });
  const error = new AppError("input", "cut.jpg: no end of image", { cause });
  expect(errorLine(error)).toBe("cut.jpg: no end of image: premature end");
});

test("a chain of causes that bites its tail still ends", () => {
  const error = new Error("round and round");
  error.cause = error;
  expect(errorReport(error).split("\n").length).toBeLessThan(20);
  expect(errorLine(error)).toBe("round and round");
});

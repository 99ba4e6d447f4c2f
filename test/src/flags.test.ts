import { expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { AppError } from "../../shared/base/errors.ts";
import { checkWords, namedValue, nearest, wholeFlag } from "../../src/flags.ts";

const ARGS = {
  model: { type: "string" },
  camera: { type: "string" },
  json: { type: "boolean" },
  dataset: { type: "positional" },
} satisfies ArgsDef;

function refusal(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("an unknown flag is refused with the name that was probably meant", () => {
  const error = refusal(() => checkWords(["--modle", "x"], ARGS));
  expect(error.kind).toBe("usage");
  expect(error.message).toBe("unknown flag --modle");
  expect(error.hint).toBe("did you mean --model?");
});

test("a flag without its value is refused", () => {
  expect(refusal(() => checkWords(["--model", "--json"], ARGS)).message).toBe("--model needs a value");
  expect(refusal(() => checkWords(["--model"], ARGS)).message).toBe("--model needs a value");
});

test("an empty value and an empty word are refused: a script's variable was not set", () => {
  expect(refusal(() => checkWords(["--model", ""], ARGS)).message).toBe("--model needs a value");
  expect(refusal(() => checkWords(["--model="], ARGS)).message).toBe("--model needs a value");
  expect(refusal(() => checkWords([""], ARGS)).message).toBe("one of the words is empty");
});

test("a switch takes no value", () => {
  expect(refusal(() => checkWords(["--json=maybe"], ARGS)).message).toBe("--json takes no value");
});

test("what is missing is named as it is typed, with where to read on", () => {
  const args = {
    dataset: { type: "positional", required: true },
    out: { type: "string", required: true, valueHint: "FILE.onnx" },
  } satisfies ArgsDef;
  const help = "see vigia train --help";
  expect(refusal(() => checkWords([], args, { help }))).toMatchObject({
    message: "DATASET is missing",
    hint: help,
  });
  expect(refusal(() => checkWords(["cats"], args)).message).toBe("--out FILE.onnx is missing");
  expect(checkWords(["cats", "--out", "m.onnx"], args).plain).toEqual(["cats", "--out=m.onnx"]);
});

test("a word too many is refused", () => {
  expect(refusal(() => checkWords(["a", "b"], ARGS)).message).toBe("one word too many: b");
});

test("several values may follow one flag, or each have their own", () => {
  const many = { many: ["camera"] };
  const one = checkWords(["--camera", "a=x", "b=y", "--json"], ARGS, many);
  const each = checkWords(["--camera", "a=x", "--camera=b=y", "--json"], ARGS, many);
  expect(one.many.camera).toEqual(["a=x", "b=y"]);
  expect(each).toEqual(one);
  expect(one.plain).toEqual(["--json"]);
});

test("--no-x switches a boolean flag off, and nothing else", () => {
  expect(checkWords(["--no-json"], ARGS).plain).toEqual(["--no-json"]);
  expect(refusal(() => checkWords(["--no-model"], ARGS)).message).toBe("unknown flag --no-model");
});

test.each(["0", "65", "1.5", "", "many"])("--threads %p is refused with its range", (value) => {
  expect(refusal(() => wholeFlag("threads", value, 1, 64)).message).toContain("from 1 to 64");
});

test.each(["gate", "=x", "my gate=x", "gate="])("camera %p is refused", (text) => {
  expect(refusal(() => namedValue(text, "camera")).kind).toBe("usage");
});

test("a camera's source may hold = and spaces", () => {
  expect(namedValue("gate=rtsp://h/s?a=b&c=d e", "camera")).toEqual(["gate", "rtsp://h/s?a=b&c=d e"]);
});

test("nearest says nothing when nothing is near", () => {
  expect(nearest("trian", ["train", "submit"])).toBe("train");
  expect(nearest("zebra", ["train", "submit"])).toBeUndefined();
});

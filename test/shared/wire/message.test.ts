import { expect, test } from "bun:test";
import { AppError } from "../../../shared/base/errors.ts";
import { text, u32 } from "../../../shared/wire/codec.ts";
import { Dispatch, defineMessage, messageTag } from "../../../shared/wire/message.ts";
import { envelope } from "../../../shared/wire/split.ts";

const Greeting = defineMessage(0xf101, "Greeting", { name: text(50), age: u32 });
const Farewell = defineMessage(0xf102, "Farewell", {});

test("a message is its tag and its fields, little-endian", () => {
  const body = Greeting.encode({ name: "Ana", age: 258 });
  expect(body.toString("hex")).toBe(`01f1${"03000000"}416e61${"02010000"}`);
  expect(messageTag(body)).toBe(0xf101);
  expect(Greeting.decode(body)).toEqual({ name: "Ana", age: 258 });
});

test("a packed message is the message in its envelope", () => {
  const value = { name: "Ana", age: 3 };
  expect(Greeting.pack(value)).toEqual(envelope(Greeting.encode(value)));
});

test("bytes too few, bytes too many and another kind are refused", () => {
  const body = Greeting.encode({ name: "Ana", age: 3 });
  expect(() => Greeting.decode(body.subarray(0, -1))).toThrow("malformed Greeting");
  expect(() => Greeting.decode(Buffer.concat([body, Buffer.alloc(1)]))).toThrow("malformed Greeting");
  expect(() => Farewell.decode(body)).toThrow("Greeting came, Farewell expected");
  expect(() => Greeting.decode(Buffer.alloc(1))).toThrow("has no tag");
});

test("a tag belongs to one kind", () => {
  expect(() => defineMessage(0xf101, "Other", {})).toThrow("Greeting and Other");
});

test("a dispatch runs the handler of the kind and refuses kinds without one", async () => {
  const names: string[] = [];
  const dispatch = new Dispatch().on(Greeting, async ({ name }) => {
    names.push(name);
  });
  await dispatch.run(Greeting.encode({ name: "Ana", age: 1 }));
  expect(names).toEqual(["Ana"]);
  expect(dispatch.run(Farewell.encode({}))).rejects.toThrow(
    new AppError("protocol", "Farewell is not expected here"),
  );
});

import { expect, test } from "bun:test";
import { IdIndex } from "../../../shared/base/id-index.ts";

test("names get the same numbers in whatever order and however often they come", () => {
  const index = IdIndex.stable(["dog", "Zebra", "ñandú", "cat", "dog"]);
  expect(index.names).toEqual(["Zebra", "cat", "dog", "ñandú"]);
  expect(IdIndex.stable(["ñandú", "cat", "dog", "Zebra"]).names).toEqual(index.names);
});

test("a name leads to its number and back", () => {
  const index = new IdIndex(["b", "a"]);
  expect(index.names.map((name) => index.numberOf(name))).toEqual([0, 1]);
  expect(index.numberOf("c")).toBeUndefined();
  expect(index.numberOf("constructor")).toBeUndefined();
});

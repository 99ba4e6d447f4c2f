import { expect, test } from "bun:test";
import { ShowOrder } from "../../../shared/media/show-order.ts";

const placesOf = (times: readonly (number | undefined)[]) => {
  const order = new ShowOrder();
  return times.map((ms) => order.place(ms));
};

test("places are the camera's times, in whatever order pictures come", () => {
  expect(placesOf([0, 120, 40, 80, 240])).toEqual([0, 120, 40, 80, 240]);
});

test("no two places are the same, and they rise where there are no times", () => {
  expect(placesOf([0, 0, 0, 40])).toEqual([0, 1, 2, 40]);
  expect(placesOf([undefined, undefined, undefined])).toEqual([0, 1, 2]);
});

test("a leap of the camera's time, back or ahead, is a step like any other", () => {
  expect(placesOf([0, 40, 90_000_000, 90_000_040])).toEqual([0, 40, 80, 120]);
  expect(placesOf([5000, 5040, 0, 120, 40, 80])).toEqual([5000, 5040, 5080, 5200, 5120, 5160]);
});

test("it is known whether pictures come out of order", () => {
  const order = new ShowOrder();
  for (const ms of [0, 40, 80]) order.place(ms);
  expect(order.isMixed).toBe(false);
  order.place(60);
  expect(order.isMixed).toBe(true);
});

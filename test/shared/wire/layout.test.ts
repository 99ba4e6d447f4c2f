import { expect, test } from "bun:test";
import { Goodbye, Heartbeat, Hello, Proof, Refusal } from "../../../shared/wire/messages/greeting.ts";
import { FollowModel } from "../../../shared/wire/messages/models.ts";

/** Bytes that other versions of the program must be able to read, and the README's example. */

test("Hello and Refusal have the layout that every version knows", () => {
  expect(Hello.pack({ program: "vigia", version: "0.1.0" }).toString("hex")).toBe(
    `${"14000000"}${"0100"}${"05000000"}${"7669676961"}${"05000000"}${"302e312e30"}`,
  );
  const reasons = ["version", "role", "key"] as const;
  expect(reasons.map((reason) => Refusal.pack({ reason, version: "" }).toString("hex"))).toEqual([
    "0700000004000000000000",
    "0700000004000100000000",
    "0700000004000200000000",
  ]);
});

test("the example in the README is what goes over the wire", () => {
  expect(FollowModel.pack({ name: "cars" }).toString("hex")).toBe("0a00000042000400000063617273");
});

test("the link's own messages are small", () => {
  expect(Heartbeat.pack({}).toString("hex")).toBe("020000000500");
  expect(Goodbye.pack({ reason: "" })).toHaveLength(10);
  expect(Proof.pack({ mac: Buffer.alloc(32) })).toHaveLength(42);
});

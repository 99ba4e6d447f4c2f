import { expect, test } from "bun:test";
import { joinHelp } from "../../../roles/trainer/join-command.ts";

const EVERYWHERE = { host: "0.0.0.0", port: 7700 };

test("the line for another machine names an address that it can reach", () => {
  expect(joinHelp(EVERYWHERE, "KEY", ["192.168.1.7"]).split("\n")).toEqual([
    "To add a machine, start this there:",
    "  vigia --role worker --trainer 192.168.1.7:7700 --token KEY",
  ]);
});

test("a machine on several networks says what else it is called", () => {
  const help = joinHelp(EVERYWHERE, "KEY", ["192.168.1.7", "10.0.0.3"]);
  expect(help).toContain("--trainer 192.168.1.7:7700 ");
  expect(help).toContain("10.0.0.3:7700 too");
});

test("an address that was asked for is the one that is named", () => {
  expect(joinHelp({ host: "10.0.0.3", port: 9000 }, "KEY", ["192.168.1.7"])).toContain(
    "10.0.0.3:9000 --token KEY",
  );
});

test("a trainer that others cannot reach gives them no line to try", () => {
  const help = joinHelp({ host: "127.0.0.1", port: 7700 }, "KEY", ["192.168.1.7"]);
  expect(help).not.toContain("--role worker");
  expect(help).toContain("--listen 0.0.0.0:7700");
});

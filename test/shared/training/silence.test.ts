import { expect, test } from "bun:test";
import { Membership } from "../../../shared/training/membership.ts";
import type { MembershipAction, MembershipEvent } from "../../../shared/training/membership-words.ts";

/** Three members in a ring, in their first round. */
function running(): {
  machine: Membership;
  tell: (event: MembershipEvent, nowMs?: number) => MembershipAction[];
} {
  const machine = new Membership({ round: 0, checksum: undefined });
  const tell = (event: MembershipEvent, nowMs = 0): MembershipAction[] => machine.handle(event, nowMs);
  for (const member of ["a", "b", "c"]) tell({ kind: "join", member });
  formed(machine, tell, ["a", "b", "c"]);
  tell({ kind: "proceed", to: "round", expectedMs: 1000 });
  return { machine, tell };
}

function formed(
  machine: Membership,
  tell: (event: MembershipEvent) => unknown,
  members: readonly string[],
): void {
  const { generation } = machine;
  for (const member of members) tell({ kind: "position", member, generation, position: undefined });
  for (const member of members) tell({ kind: "formed", member, generation, checksum: 1 });
}

const asked = (actions: readonly MembershipAction[]): string[] =>
  actions.flatMap((action) => (action.kind === "ask" ? [action.member] : []));

test("the others go on at once without a silent member, which keeps its link and is asked again when it is heard", () => {
  const { machine, tell } = running();
  const actions = tell({ kind: "quiet", member: "b" });
  expect(actions[0]).toEqual({ kind: "setAside", member: "b" });
  expect(asked(actions)).toEqual(["a", "c"]);
  expect(actions.some(({ kind }) => kind === "drop" || kind === "bench")).toBe(false);
  formed(machine, tell, ["a", "c"]);
  expect(machine.members).toEqual(["a", "c"]);
  expect(asked(tell({ kind: "heard", member: "b" }))).toEqual(["a", "b", "c"]);
});

test("who does not answer in time is set aside, and any word of it, even an old one, brings it back", () => {
  const { machine, tell } = running();
  const old = machine.generation;
  tell({ kind: "failed", member: "a", generation: old, suspect: undefined });
  const { generation } = machine;
  for (const member of ["a", "c"]) tell({ kind: "position", member, generation, position: undefined });
  const late = tell({ kind: "tick" }, 1500);
  expect(late.filter(({ kind }) => kind !== "form")).toEqual([{ kind: "setAside", member: "b" }]);
  for (const member of ["a", "c"]) tell({ kind: "formed", member, generation, checksum: 1 });
  expect(asked(tell({ kind: "position", member: "b", generation: old, position: undefined }))).toContain("b");
});

test("a round has twice the expected time; who had not computed gets less to do and stays; the next has longer", () => {
  const { machine, tell } = running();
  const { generation } = machine;
  for (const member of ["a", "c"]) tell({ kind: "computed", member, generation });
  expect(tell({ kind: "tick" }, 1999)).toEqual([]);
  const late = tell({ kind: "tick" }, 2000);
  expect(late[0]).toEqual({ kind: "slow", member: "b", afterMs: 2000 });
  expect(asked(late)).toEqual(["a", "b", "c"]);
  formed(machine, tell, ["a", "b", "c"]);
  tell({ kind: "proceed", to: "round", expectedMs: 1000 });
  expect(machine.deadlineMs).toBe(4000);
});

test("who cannot be reached when a ring is made is left out, and the others go on", () => {
  const { machine, tell } = running();
  const unreachable = (nowMs: number): MembershipAction[] => {
    const { generation, members } = machine;
    tell({ kind: "failed", member: "a", generation, suspect: undefined }, nowMs);
    for (const member of members) {
      tell({ kind: "position", member, generation: machine.generation, position: undefined }, nowMs);
    }
    return tell({ kind: "failed", member: "a", generation: machine.generation, suspect: "b" }, nowMs);
  };
  const actions = unreachable(0);
  expect(actions[0]).toMatchObject({ kind: "bench", member: "b" });
  expect(asked(actions)).toEqual(["a", "c"]);
});

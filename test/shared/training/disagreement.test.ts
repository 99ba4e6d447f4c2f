import { expect, test } from "bun:test";
import { Membership } from "../../../shared/training/membership.ts";
import type { MembershipAction } from "../../../shared/training/membership-words.ts";

/** Two members in a ring at round 3, which the trainer holds, after a round that they end with other weights. */
function disagreeing(): { machine: Membership; after: MembershipAction[] } {
  const machine = new Membership({ round: 3, checksum: 7 });
  const answer = (kind: "formed" | "done", checksums: readonly number[], round = 4): MembershipAction[] =>
    checksums.flatMap((checksum, i) =>
      machine.handle({ kind, member: `m${i}`, generation: machine.generation, round, checksum }, 0),
    );
  machine.handle({ kind: "join", member: "m0" }, 0);
  machine.handle({ kind: "join", member: "m1" }, 0);
  for (const member of ["m0", "m1"]) {
    machine.handle({ kind: "position", member, generation: machine.generation, position: undefined }, 0);
  }
  answer("formed", [7, 7]);
  machine.handle({ kind: "proceed", to: "round" }, 0);
  return { machine, after: answer("done", [8, 9]) };
}

test("members that end a round with different weights all go back to the state that the trainer holds", () => {
  const { machine, after } = disagreeing();
  expect(after.map(({ kind }) => kind)).toEqual(["note", "ask", "ask"]);
  const { generation } = machine;
  const position = { round: 4, pendingRound: undefined, checksum: 8, slices: [] };
  const actions = ["m0", "m1"].flatMap((member) =>
    machine.handle({ kind: "position", member, generation, position }, 0),
  );
  expect(actions).toMatchObject([
    { kind: "form", member: "m0", round: 3, keepsWeights: false },
    { kind: "form", member: "m1", round: 3, keepsWeights: false },
  ]);
});

test("members that differ even in weights that they were sent end the training with an error", () => {
  const { machine } = disagreeing();
  const { generation } = machine;
  const position = { round: 4, pendingRound: undefined, checksum: 8, slices: [] };
  for (const member of ["m0", "m1"]) machine.handle({ kind: "position", member, generation, position }, 0);
  machine.handle({ kind: "formed", member: "m0", generation, checksum: 1 }, 0);
  const actions = machine.handle({ kind: "formed", member: "m1", generation, checksum: 2 }, 0);
  expect(actions).toMatchObject([{ kind: "fail" }]);
});

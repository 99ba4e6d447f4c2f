import { expect, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import type { Position } from "../../../shared/training/holdings.ts";
import { Membership } from "../../../shared/training/membership.ts";
import type { MembershipAction, MembershipEvent } from "../../../shared/training/membership-words.ts";
import { cover, type Slice, sliceOf } from "../../../shared/training/slices.ts";
import { type Holder, sourcesOf, truthAt } from "../../../shared/training/sources.ts";

const TOTAL = 100;

const numbersOf = ({ from, to }: Slice): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test("every number that is wanted comes from one who has it, or is a gap that nobody can fill", () => {
  const random = new Random("cover", 1);
  const slice = (): Slice => {
    const ends = [random.below(TOTAL + 1), random.below(TOTAL + 1)].sort((a, b) => a - b);
    return { from: ends[0]!, to: ends[1]! };
  };
  for (let i = 0; i < 500; i++) {
    const wanted = slice();
    const given = Array.from({ length: random.below(6) }, slice);
    const { parts, gaps } = cover(wanted, given);
    for (const part of parts) {
      expect(numbersOf(given[part.giver]!)).toEqual(expect.arrayContaining(numbersOf(part)));
    }
    const found = [...parts, ...gaps].flatMap(numbersOf).sort((a, b) => a - b);
    expect(found).toEqual(numbersOf(wanted));
    const held = new Set(given.flatMap(numbersOf));
    expect(gaps.flatMap(numbersOf).some((number) => held.has(number))).toBe(false);
  }
});

test("a member uses what it has itself, gets the rest from others, and not all newcomers ask the same one", () => {
  const members = ["a", "b", "c", "d"];
  const holders: Holder[] = ["a", "b"].map((member, i) => ({
    member,
    hasWeights: true,
    slices: [sliceOf(TOTAL, 2, i)],
  }));
  const of = (member: string, keepsWeights: boolean) =>
    sourcesOf({ member, members, keepsWeights, holders }, TOTAL);
  expect(of("a", true)).toEqual({ weights: undefined, parts: [{ member: "a", from: 0, to: 25 }], gaps: [] });
  expect(of("b", true)).toEqual({ weights: undefined, parts: [{ member: "a", from: 25, to: 50 }], gaps: [] });
  expect(of("c", false).parts).toEqual([{ member: "b", from: 50, to: 75 }]);
  expect([of("c", false).weights, of("d", false).weights]).toEqual(["a", "b"]);
  expect(sourcesOf({ member: "c", members, keepsWeights: false, holders: [] }, TOTAL)).toEqual({
    weights: undefined,
    parts: [],
    gaps: [{ from: 50, to: 75 }],
  });
});

const at = (round: number, checksum: number): Position => ({
  round,
  pendingRound: undefined,
  checksum,
  slices: [],
});

test("what the weights of a round are: as all agreed, while one has those; then as held; then as most say", () => {
  const positions = new Map([at(9, 1), at(9, 2), at(9, 2), at(8, 3)].map((one, i) => [`m${i}`, one]));
  const nothing = { round: 0, checksum: undefined };
  expect(truthAt(9, positions, { round: 9, checksum: 1 }, nothing)).toEqual({ round: 9, checksum: 1 });
  expect(truthAt(9, positions, { round: 9, checksum: 7 }, nothing)).toEqual({ round: 9, checksum: 2 });
  const held = { round: 9, checksum: 7 };
  expect(truthAt(9, positions, { round: 8, checksum: 3 }, held)).toEqual(held);
});

/** A ring of `a` and `b` that has completed round 1, of weights 11. */
function started(): { machine: Membership; tell: (event: MembershipEvent) => MembershipAction[] } {
  const machine = new Membership({ round: 0, checksum: undefined });
  const tell = (event: MembershipEvent): MembershipAction[] => machine.handle(event, 0);
  for (const member of ["a", "b"]) tell({ kind: "join", member });
  const say = (event: (member: string, generation: number) => MembershipEvent): void => {
    for (const member of ["a", "b"]) tell(event(member, machine.generation));
  };
  say((member, generation) => ({ kind: "position", member, generation, position: undefined }));
  say((member, generation) => ({ kind: "formed", member, generation, checksum: 10 }));
  tell({ kind: "proceed", to: "round" });
  say((member, generation) => ({ kind: "done", member, generation, round: 1, checksum: 11 }));
  return { machine, tell };
}

test("who comes back at the same round with other weights gets those of the others, and nobody goes back", () => {
  const { machine, tell } = started();
  tell({ kind: "join", member: "c" });
  const { generation } = machine;
  const said = { a: at(1, 11), b: at(1, 11), c: at(1, 99) };
  const actions = Object.entries(said).flatMap(([member, position]) =>
    tell({ kind: "position", member, generation, position }),
  );
  expect(actions.map((action) => action.kind === "form" && [action.member, action.keepsWeights])).toEqual([
    ["a", true],
    ["b", true],
    ["c", false],
  ]);
  expect(actions[2]).toMatchObject({ checksum: 11, holders: [{ member: "a" }, { member: "b" }] });
});

test("when a member was not given its state, the next ring's goes through the trainer, and the one's after that does not", () => {
  const { machine, tell } = started();
  const regrouped = (): MembershipAction[] =>
    ["a", "b", "c"].flatMap((member) => {
      const position = member === "c" ? undefined : at(1, 11);
      return tell({ kind: "position", member, generation: machine.generation, position });
    });
  const formed = (): void => {
    const { generation } = machine;
    for (const member of ["a", "b", "c"]) tell({ kind: "formed", member, generation, checksum: 11 });
  };
  tell({ kind: "join", member: "c" });
  regrouped();
  const again = tell({ kind: "ungiven", member: "c", generation: machine.generation });
  expect(again.map(({ kind }) => kind)).toEqual(["note", "ask", "ask", "ask"]);
  expect(regrouped().map(({ kind }) => kind)).toEqual(["gather", "gather"]);
  const { generation } = machine;
  const forms = ["a", "b"].flatMap((member) => tell({ kind: "gathered", member, generation }));
  expect(forms[0]).toEqual({ kind: "assembled", round: 1 });
  expect(forms.slice(1)).toMatchObject([{ holders: [] }, { holders: [] }, { member: "c", holders: [] }]);
  formed();
  tell({ kind: "failed", member: "a", generation, suspect: undefined });
  expect(regrouped()).toMatchObject([{ kind: "form" }, { kind: "form" }, { holders: [{}, {}] }]);
});

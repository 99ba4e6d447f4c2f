import type { Position } from "./holdings.ts";
import type { MemberAnswer, MemberId } from "./membership-words.ts";

/** What a membership waits for. */
export type Phase =
  | { readonly name: "waiting" }
  | { readonly name: "asking"; readonly positions: Map<MemberId, Position | undefined> }
  | { readonly name: "gathering"; readonly round: number; readonly afterwards: "form" | "boundary" }
  | { readonly name: "forming"; readonly round: number; readonly checksums: Map<MemberId, number> }
  | { readonly name: "boundary"; readonly round: number }
  | {
      readonly name: "running";
      readonly round: number;
      readonly steps: number;
      readonly startedMs: number;
      readonly computed: Set<MemberId>;
      readonly checksums: Map<MemberId, number>;
    };

/** Keeps in the phase what a member says in it; true when that is all that the phase waits for from it. */
export function keeps(
  at: Phase,
  event: Exclude<MemberAnswer, { readonly kind: "failed" | "ungiven" }>,
): boolean {
  switch (event.kind) {
    case "position":
      if (at.name === "asking") at.positions.set(event.member, event.position);
      return at.name === "asking";
    case "gathered":
      return at.name === "gathering";
    case "formed":
      if (at.name === "forming") at.checksums.set(event.member, event.checksum);
      return at.name === "forming";
    case "computed":
      if (at.name === "running") at.computed.add(event.member);
      return false;
    case "done":
      if (at.name !== "running" || event.round !== at.round + at.steps) return false;
      at.checksums.set(event.member, event.checksum);
      return true;
  }
}

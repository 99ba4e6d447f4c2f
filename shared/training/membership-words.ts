import type { Position } from "./holdings.ts";
import type { Holder } from "./sources.ts";

/** What the membership hears and says; see `membership.ts`. */

/** A worker's nodeId. It changes with every start of the process and never comes back. */
export type MemberId = string;

/** A round, and the checksum of the weights after it; `undefined` before the first, where nobody has any yet. */
export interface Milestone {
  readonly round: number;
  readonly checksum: number | undefined;
}

/** How long to wait for what, in milliseconds. */
export interface MembershipLimits {
  /** For the answer to `ask`, which a worker gives even while it computes. */
  readonly answerMs: number;
  /** Without any progress in a transfer of state. */
  readonly transferMs: number;
  /** For a round whose time nobody knows: engines warm up. */
  readonly firstRoundMs: number;
  /** Least time for a round of known length; twice the expected time where that is more. */
  readonly roundMs: number;
  /** How long a member that others cannot work with stays out at first; each time after that twice as long. */
  readonly benchMs: number;
}

export const MEMBERSHIP_LIMITS: MembershipLimits = {
  answerMs: 1_500,
  transferMs: 20_000,
  firstRoundMs: 180_000,
  roundMs: 1_500,
  benchMs: 10_000,
};

export type MembershipEvent =
  /** A worker has the job's pictures and may take part. */
  | { readonly kind: "join"; readonly member: MemberId }
  /** Its link has ended. */
  | { readonly kind: "leave"; readonly member: MemberId }
  /** Its link is open, and nothing has come over it for longer than usual: it may be frozen or cut off. */
  | { readonly kind: "quiet"; readonly member: MemberId }
  /** Something has come over its link again. */
  | { readonly kind: "heard"; readonly member: MemberId }
  /** The answer to `ask`; `position` is absent when it holds no state of this job. */
  | {
      readonly kind: "position";
      readonly member: MemberId;
      readonly generation: number;
      readonly position: Position | undefined;
    }
  /** Some of a state that it sends or receives has passed. */
  | { readonly kind: "progress"; readonly member: MemberId }
  /** All that `gather` asked of it has arrived. */
  | { readonly kind: "gathered"; readonly member: MemberId; readonly generation: number }
  /** It has its state and its ring links, and weights of this checksum. */
  | {
      readonly kind: "formed";
      readonly member: MemberId;
      readonly generation: number;
      readonly checksum: number;
    }
  /** It has computed its chunks of the running round. */
  | { readonly kind: "computed"; readonly member: MemberId; readonly generation: number }
  /** It has completed the round that takes it to `round`. */
  | {
      readonly kind: "done";
      readonly member: MemberId;
      readonly generation: number;
      readonly round: number;
      readonly checksum: number;
    }
  /** It cannot go on in this generation; `suspect` is the member that it lost or cannot reach. */
  | {
      readonly kind: "failed";
      readonly member: MemberId;
      readonly generation: number;
      readonly suspect: MemberId | undefined;
    }
  /** A member that was to give it state has not: it refused, is gone or too slow, or gave something else. */
  | { readonly kind: "ungiven"; readonly member: MemberId; readonly generation: number }
  /** What the job wants next, in answer to `boundary`: another round, or the whole state. */
  | {
      readonly kind: "proceed";
      readonly to: "round" | "gather";
      /** Steps that the round makes of the weights; 1 where nothing is said. */
      readonly steps?: number;
      /** What the round should take, by what was measured; absent when something about it was not. */
      readonly expectedMs?: number | undefined;
    }
  | { readonly kind: "tick" };

/** What a member says about one generation. */
export type MemberAnswer = Extract<MembershipEvent, { readonly generation: number }>;

export type MembershipAction =
  /** Tell it to leave the ring and the running round, and to say where it stands. */
  | { readonly kind: "ask"; readonly member: MemberId; readonly generation: number }
  /** Ask it for its slice's state after `round`; also for all weights, when `weights`. */
  | {
      readonly kind: "gather";
      readonly member: MemberId;
      readonly generation: number;
      readonly round: number;
      readonly weights: boolean;
    }
  /** Everything that survives of `round` is here. What is missing is taken from the state held before. */
  | { readonly kind: "assembled"; readonly round: number }
  /**
   * Send it its place in the ring. It lacks its slice's state of `round`, and the weights unless it keeps its own: the
   * holders give these (`sourcesOf`); what they do not have, it is sent of the held state.
   */
  | {
      readonly kind: "form";
      readonly member: MemberId;
      readonly generation: number;
      readonly round: number;
      readonly members: readonly MemberId[];
      readonly keepsWeights: boolean;
      /** Of the weights after `round`; `undefined` before the first round, where nobody has any yet. */
      readonly checksum: number | undefined;
      /** Empty where all is sent by the trainer. */
      readonly holders: readonly Holder[];
    }
  /** Start the round that leads from `round` to `round + steps`. */
  | {
      readonly kind: "run";
      readonly generation: number;
      readonly round: number;
      readonly steps: number;
      readonly members: readonly MemberId[];
    }
  /** Every member has completed it, with the same weights. */
  | {
      readonly kind: "committed";
      readonly round: number;
      readonly roundMs: number;
      readonly members: readonly MemberId[];
    }
  /** Nothing runs: the job says what comes next, by `proceed`. */
  | { readonly kind: "boundary"; readonly round: number }
  /** Close its link: it answers and gets nowhere. */
  | { readonly kind: "drop"; readonly member: MemberId; readonly reason: string }
  /** The others go on without it; its link stays, and it is taken in again when it is heard. */
  | { readonly kind: "setAside"; readonly member: MemberId }
  /** It had not computed its chunks when the round was given up: give it fewer. */
  | { readonly kind: "slow"; readonly member: MemberId; readonly afterMs: number }
  /** Keep it out for a while: others cannot work with it. */
  | { readonly kind: "bench"; readonly member: MemberId; readonly reason: string }
  /** Nobody is left; the next `join` goes on from the held state. */
  | { readonly kind: "waiting" }
  /** A line for the log. */
  | { readonly kind: "note"; readonly text: string }
  /** The members cannot agree even on weights that they were sent. */
  | { readonly kind: "fail"; readonly reason: string };

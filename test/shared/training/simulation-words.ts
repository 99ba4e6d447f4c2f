import type { WireFormat } from "../../../shared/numeric/wire-format.ts";
import type { GivingCounts, GivingFault } from "./simulated-state.ts";

/** How rounds may go; each is drawn. */
export interface RoundKinds {
  readonly formats?: readonly WireFormat[];
  /** Steps that members make by themselves. */
  readonly steps?: readonly number[];
}

/** What happens in a simulated training. */
export interface Schedule {
  readonly workers: number;
  /** Faults of any kind, at any time. */
  readonly faults: number;
  /** Newcomers early in the training, and what befalls whoever gives them state. */
  readonly joins?: readonly (GivingFault | "none")[];
}

/** What a schedule of faults did, for assertions. */
export interface SimulationResult {
  readonly rounds: number;
  readonly generations: number;
  readonly repeated: number;
  /** Committed rounds of more than one step. */
  readonly longRounds: number;
  /** How often the others went on without somebody silent. */
  readonly setAside: number;
  readonly giving: Readonly<GivingCounts>;
  /** Places for which the trainer sent something of what it held. */
  readonly sentByTrainer: number;
  readonly virtualMs: number;
  readonly weights: Float32Array;
}

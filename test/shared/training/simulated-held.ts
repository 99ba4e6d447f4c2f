import type { HeldPart } from "../../../shared/training/holdings.ts";
import type { MembershipAction, Milestone } from "../../../shared/training/membership-words.ts";
import { checksumOf } from "../../../shared/training/slices.ts";
import { sourcesOf } from "../../../shared/training/sources.ts";
import type { ToyState } from "./simulated-worker.ts";
import { TOTAL } from "./toy.ts";

/** The state that the simulated trainer holds, and the one that it gathers. */
export class ToyHeld {
  round = 0;
  state: ToyState | undefined;
  #gathered: { weights: Float32Array | undefined; velocity: Float32Array } | undefined;

  get milestone(): Milestone {
    return { round: this.round, checksum: this.state && checksumOf(this.state.weights) };
  }

  /** Members are asked for their state: what nobody has is what was held. */
  gather(): void {
    this.#gathered ??= {
      weights: undefined,
      velocity: this.state?.velocity.slice() ?? new Float32Array(TOTAL),
    };
  }

  /** False where nothing is gathered any more. */
  take(parts: readonly HeldPart[], weights: Float32Array | undefined): boolean {
    if (this.#gathered === undefined) return false;
    for (const { from, vectors } of parts) this.#gathered.velocity.set(vectors[0]!, from);
    if (weights !== undefined) this.#gathered.weights = weights;
    return true;
  }

  assembled(round: number): void {
    if (round === this.round) return;
    const { weights, velocity } = this.#gathered ?? {};
    if (weights === undefined || velocity === undefined) throw new Error("assembled without weights");
    this.state = { weights, velocity };
    this.round = round;
    this.#gathered = undefined;
  }

  dropGathered(): void {
    this.#gathered = undefined;
  }

  /** Whether a member is sent something of it. */
  isSent(form: Extract<MembershipAction, { kind: "form" }>): boolean {
    const { weights, gaps } = sourcesOf(form, TOTAL);
    return this.state !== undefined && (gaps.length > 0 || (!form.keepsWeights && weights === undefined));
  }
}

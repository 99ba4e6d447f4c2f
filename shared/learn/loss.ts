import type { LossResult } from "../nn/engine.ts";
import type { NetworkConfig } from "../nn/networks/config.ts";
import { DetectorLoss } from "./detector-loss.ts";
import { IdentityLoss } from "./identity-loss.ts";
import { SingleBoxLoss } from "./single-box-loss.ts";
import type { ChunkTargets } from "./targets.ts";

/** The terms of a loss by name; their sum is the loss whose gradient was given. */
export type LossParts = Readonly<Partial<Record<"box" | "objectness" | "class", number>>>;

export interface LossReport {
  readonly parts: LossParts;
  /** What the loss was divided by: cells that answer for an object, or pictures with a label. */
  readonly positives: number;
}

/** A loss with its gradients, for chunks of one size. The gradients that it returns are written over at the next call. */
export interface Loss {
  compute(outputs: readonly Float32Array[], targets: ChunkTargets): LossResult<LossReport>;
}

/** @param chunkSize pictures in the outputs */
export function createLoss(network: NetworkConfig, chunkSize: number): Loss {
  switch (network.kind) {
    case "detector":
      return new DetectorLoss(network, chunkSize);
    case "single-box":
      return new SingleBoxLoss(network, chunkSize);
    case "mlp":
      return new IdentityLoss(network, chunkSize);
  }
}

import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";

/** What the trainer role is started with. */
export interface TrainerOptions {
  readonly site: Site;
  readonly listen: Address;
  /** Where data sets, checkpoints and models are kept. */
  readonly dataDir: string;
  /** Whether other nodes may find this one on the network. */
  readonly announce?: boolean | undefined;
  /** How much training may be lost when everything stops at once; 10 s when absent. */
  readonly checkpointEveryMs?: number | undefined;
  readonly onReady?: ((address: Address) => void) | undefined;
}

import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import type { DeviceChoice } from "../../shared/nn/engine.ts";

/** What the worker role is started with. */
export interface WorkerOptions {
  readonly site: Site;
  /** Where the trainer is; found on the network when absent. */
  readonly trainer?: Address | undefined;
  /** Where links of other workers arrive; every address of this machine and any free port when absent. */
  readonly listen?: Address | undefined;
  /** Cores to compute with. */
  readonly threads: number;
  readonly device: DeviceChoice;
  /** Where prepared pictures are kept between runs; a temporary folder when absent. */
  readonly dataDir?: string | undefined;
  /** Called when the worker takes links of its peers. */
  readonly onReady?: ((address: Address) => void) | undefined;
}

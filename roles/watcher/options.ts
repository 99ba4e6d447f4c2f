import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";

/** What starts a watcher. */
export interface WatcherOptions {
  readonly site: Site;
  /** Testers to follow; found on the network when empty. */
  readonly testers: readonly Address[];
  /** Where the page is served. */
  readonly http: Address;
  /** Show the log in this terminal instead of a page. */
  readonly terminal: boolean;
  /** Called when the page can be opened; not in a terminal. */
  readonly onReady?: (address: Address) => void;
}

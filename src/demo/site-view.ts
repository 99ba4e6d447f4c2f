import type { Log } from "../../shared/base/log.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import { stayConnected } from "../../shared/net/stay-connected.ts";
import type { Sighting } from "../../shared/store/sighting.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import {
  FollowSightings,
  FollowTester,
  LogOpened,
  SightingRows,
  TesterStatus,
  type TesterStatusMessage,
} from "../../shared/wire/messages/sightings.ts";

/** What the demo sees of its tester, as any client would: over the protocol. */
export class SiteView {
  readonly #byId = new Map<number, Sighting>();
  readonly #arrivedMs = new Map<number, number>();
  readonly #since = new Map<number, number>();
  readonly #onFirst: (sighting: Sighting) => void;
  status: TesterStatusMessage | undefined;
  /** When the tester first said that it has a model, ms since 1970. */
  watchingSinceMs: number | undefined;

  /** @param onFirst called with the first sighting that there is */
  constructor(onFirst: (sighting: Sighting) => void) {
    this.#onFirst = onFirst;
  }

  /** Follows the tester until `signal` aborts. */
  follow(site: Site, address: Address, signal: AbortSignal, log: Log): Promise<void> {
    const dial = (stop: AbortSignal): ReturnType<typeof connect> =>
      connect({ site, role: "client", address, expect: ["tester"], signal: stop });
    return stayConnected({ dial, signal, log }, async (link) => {
      const dispatch = new Dispatch()
        .on(LogOpened, () => {})
        .on(TesterStatus, (status) => {
          this.status = status;
          if (status.model === "") return;
          this.watchingSinceMs ??= Date.now();
          if (!this.#since.has(status.modelVersion)) this.#since.set(status.modelVersion, Date.now());
        })
        .on(SightingRows, ({ rows }) => {
          const isFirst = this.#byId.size === 0 && rows.length > 0;
          for (const row of rows) {
            this.#byId.set(row.id, row);
            if (!this.#arrivedMs.has(row.id)) this.#arrivedMs.set(row.id, performance.now());
          }
          if (isFirst) this.#onFirst(rows[0]!);
        });
      await link.send(FollowSightings, { revision: 0 });
      await link.send(FollowTester, {});
      for await (const message of link.messages()) await dispatch.run(message);
    });
  }

  /** When the tester first said that it uses this version of the model, ms since 1970. */
  inUseSinceMs(version: number): number | undefined {
    return this.#since.get(version);
  }

  /** When a sighting was first heard of, on the clock of `performance.now()`. */
  arrivedMs({ id }: Pick<Sighting, "id">): number | undefined {
    return this.#arrivedMs.get(id);
  }

  get sightings(): readonly Sighting[] {
    return [...this.#byId.values()];
  }

  /** "9 sightings: 3 bus, 2 parrot, ...". */
  get summary(): string {
    const counts = new Map<string, number>();
    for (const { className } of this.#byId.values()) counts.set(className, (counts.get(className) ?? 0) + 1);
    const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${count} ${name}`);
    return `${this.#byId.size} sightings${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
  }
}

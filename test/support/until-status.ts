import { connect } from "../../shared/net/connect.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import { messageTag } from "../../shared/wire/message.ts";
import {
  FollowTester,
  TesterStatus,
  type TesterStatusMessage,
} from "../../shared/wire/messages/sightings.ts";

/** The tester's states as a watcher hears of them, until one is what is waited for. */
export async function untilStatus(
  site: Site,
  address: Address,
  isIt: (status: TesterStatusMessage) => boolean,
): Promise<TesterStatusMessage> {
  const signal = AbortSignal.timeout(25_000);
  await using link = await connect({ site, role: "watcher", address, expect: ["tester"], signal });
  await link.send(FollowTester, {});
  for await (const body of link.messages()) {
    if (messageTag(body) !== TesterStatus.tag) continue;
    const status = TesterStatus.decode(body);
    if (isIt(status)) return status;
  }
  throw new Error("the tester ended the link");
}

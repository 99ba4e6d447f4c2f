import type { FuzzTarget } from "./target.ts";
import { packetTargets } from "./targets/packets.ts";
import { pictureTargets } from "./targets/pictures.ts";
import { rtspTargets } from "./targets/rtsp.ts";
import { sessionTargets } from "./targets/sessions.ts";
import { talkTargets } from "./targets/talks.ts";
import { wireTargets } from "./targets/wire.ts";

/** All that reads what strangers send. */
export const TARGETS: readonly FuzzTarget[] = [
  ...rtspTargets,
  ...packetTargets,
  ...pictureTargets,
  ...wireTargets,
  ...talkTargets,
  ...sessionTargets,
];

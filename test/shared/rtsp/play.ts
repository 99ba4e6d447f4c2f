import { within } from "../../../shared/base/wait.ts";
import { playRtsp, type RtspClientOptions } from "../../../shared/rtsp/client.ts";
import type { ReceivedPicture } from "../../../shared/rtsp/receiver.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

/** Plays until `count` pictures came, then says goodbye; what comes meanwhile is passed over. Rejects when the stream ends before. */
export async function receive(
  options: RtspClientOptions,
  count: number,
): Promise<{ pictures: ReceivedPicture[]; lost: number }> {
  const abort = new AbortController();
  const pictures: ReceivedPicture[] = [];
  let lost = 0;
  const events = {
    onPicture: (picture: ReceivedPicture) => {
      if (pictures.length < count) pictures.push(picture);
      if (pictures.length === count) abort.abort();
    },
    onLoss: (packets: number) => {
      lost += packets;
    },
  };
  try {
    await within(
      playRtsp({ timeoutMs: 5000, ...options }, events, abort.signal),
      BUSY_MACHINE_MS,
      "pictures",
    );
  } finally {
    abort.abort();
  }
  return { pictures, lost };
}

/** What fills each picture's last slice, as `scripted-camera.ts` makes them: tells them apart. */
export function fills(pictures: readonly ReceivedPicture[]): number[] {
  return pictures.map(({ data }) => data.at(-2)!);
}

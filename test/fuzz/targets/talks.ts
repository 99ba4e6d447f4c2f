import { AppError } from "../../../shared/base/errors.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { playOver } from "../../../shared/rtsp/client.ts";
import { rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { JpegPublication } from "../../../shared/rtsp/publication.ts";
import { ServerConnection } from "../../../shared/rtsp/server-connection.ts";
import { RtspSplitter } from "../../../shared/rtsp/splitter.ts";
import { parseRtspUrl } from "../../../shared/rtsp/url.ts";
import { allSaid, MemoryStream } from "../../support/memory-stream.ts";
import { chunksOf, claim, type FuzzTarget, partsOf } from "../target.ts";
import { jpegFile } from "./packets.ts";
import { cameraInput, playerInput, statusesIn } from "./sessions.ts";

/* Whole sessions without a network: nobody waits for the other by the clock, so that a million of them take minutes. */

const CHUNK_BYTES_MAX = 700;
const url = parseRtspUrl("rtsp://u:p@127.0.0.1/x");

/** Our client, and a camera that says its next part when there is nothing left for the client to say, then hangs up. */
const client: FuzzTarget = {
  name: "client-talk",
  refuses: "unavailable",
  make: cameraInput,
  async run(input) {
    const stream = new MemoryStream();
    let pictures = 0;
    const events = { onPicture: () => void pictures++ };
    const limits = { timeoutMs: 60_000, silenceMs: 60_000, signal: new AbortController().signal };
    const ended = playOver(stream, url, "tcp", events, limits).then(
      () => undefined,
      (error: unknown) => error,
    );
    for (const part of partsOf(input)) {
      await allSaid();
      for (const chunk of chunksOf(part, CHUNK_BYTES_MAX)) stream.hear(chunk);
    }
    await allSaid();
    stream.hangUp();
    const why = await ended;
    claim(why instanceof AppError && why.kind !== "bug", `a session ends with a reason: ${why}`);
    return `${pictures} pictures, ${why.kind}`;
  },
};

const picture = rtpJpeg(jpegFile)!;

/** Our server's end of a player's connection, while its stream goes on. What it says is RTSP, whatever it hears. */
const server: FuzzTarget = {
  name: "server-talk",
  refuses: "unavailable",
  make: playerInput,
  async run(input) {
    const stream = new MemoryStream();
    const yard = new JpegPublication();
    const streams = new Map([["yard", yard]]);
    const connection = new ServerConnection(stream, { streams, guard: undefined, log: silentLog });
    for (const chunk of chunksOf(input, CHUNK_BYTES_MAX)) {
      stream.hear(chunk);
      await allSaid();
      yard.push(picture, 40);
    }
    await allSaid();
    const heard = stream.takeWritten();
    stream.hangUp();
    await connection.closed;
    claim(!yard.hasAudience, "who has left is sent nothing more");
    for (const { kind } of new RtspSplitter((channel) => channel < 256).push(heard))
      claim(kind === "response" || kind === "interleaved", `a server says no ${kind}`);
    return `answers: ${statusesIn(heard)}`;
  },
};

export const talkTargets: readonly FuzzTarget[] = [client, server];

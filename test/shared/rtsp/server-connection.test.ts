import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { silentLog } from "../../../shared/base/log.ts";
import { JpegPublication } from "../../../shared/rtsp/publication.ts";
import { ServerConnection } from "../../../shared/rtsp/server-connection.ts";
import { openPortPair } from "../../../shared/rtsp/udp.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { MemoryStream } from "../../support/memory-stream.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const SETUP = Buffer.from(
  "SETUP rtsp://h/yard RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=40000-40001\r\n\r\n",
);

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

test.skipIf(process.platform !== "linux")(
  "players that leave while their UDP ports are being opened leave none open",
  async () => {
    const parts = { streams: new Map([["yard", new JpegPublication()]]), guard: undefined, log: silentLog };
    const before = openFiles();
    for (let player = 0; player < 20; player++) {
      const stream = new MemoryStream();
      new ServerConnection(stream, parts);
      stream.hear(SETUP);
      await Promise.resolve(); // it has begun to open them
      stream.hangUp();
    }
    (await openPortPair("0.0.0.0"))[Symbol.dispose](); // theirs are open by now
    const deadlineMs = performance.now() + BUSY_MACHINE_MS / 2;
    while (openFiles() > before && performance.now() < deadlineMs) await Bun.sleep(10);
    expect(openFiles()).toBeLessThanOrEqual(before);
  },
);

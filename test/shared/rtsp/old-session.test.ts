import { expect, setDefaultTimeout, test } from "bun:test";
import { playRtsp } from "../../../shared/rtsp/client.ts";
import { formatRtp } from "../../../shared/rtsp/rtp.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { fills, receive } from "./play.ts";
import { idr, ScriptedCamera, type ScriptedConnection, slice } from "./scripted-camera.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/*
 * Servers made of live555 before 2017.06.04 send a session that was cut off, for the 65 s until it times out, on
 * whatever new connection has its socket's number. Others wait for that long before they connect again; here the
 * packets are told apart by their sender, so nobody need wait.
 */
const OLD = 0x01d;
const NEW = 0x2e3;
const SETUP_FIELDS = [["Session", "2;timeout=60"]] as const;
const TRANSPORT = "RTP/AVP/TCP;unicast;interleaved=0-1";

/** One packet of the old session, on the channel that the new one has too. */
function old(camera: ScriptedConnection, i: number): void {
  const at = { payloadType: 96, marker: true, sequence: 40_000 + i, timestamp: 5e8 + 9000 * i, ssrc: OLD };
  camera.interleaved(0, formatRtp({ ...at, payload: i === 0 ? idr(200) : slice(201) }));
}

const goodbye = (ssrc: number) => {
  const bye = Buffer.from([0x81, 203, 0, 1, 0, 0, 0, 0]);
  bye.writeUInt32BE(ssrc, 4);
  return bye;
};

test("an old session's packets before each answer and among the new ones are passed over, where the sender is announced", async () => {
  await using camera = await ScriptedCamera.start({
    answer: ({ method }, connection) => {
      old(connection, 1);
      if (method !== "SETUP") return undefined;
      return { fields: [["Transport", `${TRANSPORT};ssrc=${NEW.toString(16)}`], ...SETUP_FIELDS] };
    },
    play: (connection) => {
      for (let i = 0; i < 9; i++) {
        connection.packet(i === 0 ? idr(1) : slice(i + 1), 9000 * i, { marker: true, ssrc: NEW });
        old(connection, 2 + i);
      }
    },
  });
  const { pictures, lost } = await receive({ url: camera.url(), transport: "tcp" }, 9);
  expect(fills(pictures)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(lost).toBe(1); // the change of the sender
});

test("where it is not, one of the two is shown, never a mixture, and the new one when the old has ended", async () => {
  await using camera = await ScriptedCamera.start({
    play: (connection) => {
      for (let i = 0; i < 20; i++) {
        old(connection, i);
        connection.packet(i === 0 ? idr(1) : slice(2), 9000 * i, { marker: true, ssrc: NEW });
      }
      connection.interleaved(1, goodbye(NEW + 1));
      for (let i = 20; i < 90; i++) {
        connection.packet(i % 10 === 0 ? idr(3) : slice(4), 9000 * i, { marker: true, ssrc: NEW });
      }
    },
  });
  const { pictures } = await receive({ url: camera.url(), transport: "tcp" }, 30);
  const shown = fills(pictures);
  expect(shown.slice(0, 20)).toEqual([200, ...Array(19).fill(201)]);
  // The change begins with a picture that stands alone.
  expect(shown.slice(20, 30)).toEqual([3, ...Array(9).fill(4)]);
});

test("the goodbye of an old session does not end the new one, its own does", async () => {
  const came = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using camera = await ScriptedCamera.start({
    play: async (connection) => {
      connection.packet(idr(1), 0, { marker: true, ssrc: NEW });
      await came[0]!.promise;
      connection.interleaved(1, goodbye(OLD));
      // Whoever answers has read what came before.
      connection.write("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
      while (camera.responses.length === 0 && connection.isOpen) await Bun.sleep(1);
      connection.packet(slice(2), 9000, { marker: true, ssrc: NEW });
      await came[1]!.promise;
      connection.interleaved(1, goodbye(NEW));
    },
  });
  let pictures = 0;
  const onPicture = () => came[pictures++]?.resolve();
  const { signal } = new AbortController();
  const playing = playRtsp({ url: camera.url(), transport: "tcp" }, { onPicture }, signal);
  await expect(playing).rejects.toThrow("ended the stream");
  expect(pictures).toBe(2);
});

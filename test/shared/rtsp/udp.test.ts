import { expect, setDefaultTimeout, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import type { RtspRequest } from "../../../shared/rtsp/message.ts";
import { formatRtp } from "../../../shared/rtsp/rtp.ts";
import { parseTransport } from "../../../shared/rtsp/transport.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { fills, receive } from "./play.ts";
import { idr, type ScriptedAnswer, ScriptedCamera, slice } from "./scripted-camera.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

async function socketAt(host: string): Promise<Socket & AsyncDisposable> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  return Object.assign(socket, {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(resolve)),
  });
}

const packet = (payload: Buffer, i: number) =>
  formatRtp({
    payloadType: 96,
    marker: true,
    sequence: (65_534 + i) & 0xffff,
    timestamp: i * 9000,
    ssrc: 7,
    payload,
  });

/** Answers SETUP, and learns where the client listens. @param servers what `Transport` says of the camera's own ports */
function udpSetUp(servers = "") {
  const client = { port: 0 };
  const answer = ({ method, headers }: RtspRequest): ScriptedAnswer | undefined => {
    if (method !== "SETUP") return undefined;
    client.port = parseTransport(headers.get("transport")!).clientPorts![0];
    const transport = `RTP/AVP;unicast;client_port=${client.port}-${client.port + 1}${servers}`;
    return {
      fields: [
        ["Transport", transport],
        ["Session", "1"],
      ],
    };
  };
  return { client, answer };
}

test("over UDP, packets out of order and doubled make whole pictures, others' packets none", async () => {
  await using sender = await socketAt("127.0.0.1");
  await using stranger = await socketAt("127.0.0.2");
  // No server_port: some cameras leave it out.
  const { client, answer } = udpSetUp();
  await using camera = await ScriptedCamera.start({
    answer,
    play: () => {
      const packets = [idr(1), slice(2), slice(3), slice(4), slice(5)].map(packet);
      stranger.send(packet(idr(66), 1), client.port, "127.0.0.1");
      for (const place of [0, 2, 2, 1, 4, 3, 3]) sender.send(packets[place]!, client.port, "127.0.0.1");
    },
  });
  const { pictures, lost } = await receive({ url: camera.url(), transport: "udp" }, 5);
  expect(fills(pictures)).toEqual([1, 2, 3, 4, 5]);
  expect(lost).toBe(0);
  expect(client.port % 2).toBe(0);
});

test("packets of 10 kB come whole, and firewalls are opened for both ports before the first", async () => {
  await using rtp = await socketAt("127.0.0.1");
  await using rtcp = await socketAt("127.0.0.1");
  const opened = Promise.all(
    [rtp, rtcp].map(
      (socket) => new Promise<number>((resolve) => socket.once("message", (_, { port }) => resolve(port))),
    ),
  );
  const servers = `;server_port=${rtp.address().port}-${rtcp.address().port}`;
  const { client, answer } = udpSetUp(servers);
  await using camera = await ScriptedCamera.start({
    answer,
    play: async () => {
      expect(await opened).toEqual([client.port, client.port + 1]);
      const large = (unit: Buffer) =>
        Buffer.concat([unit.subarray(0, 2), Buffer.alloc(10_000, 0x55), unit.subarray(2)]);
      for (const [i, unit] of [idr(1), slice(2), slice(3)].entries()) {
        rtp.send(packet(large(unit), i), client.port, "127.0.0.1");
      }
    },
  });
  const { pictures } = await receive({ url: camera.url(), transport: "udp" }, 3);
  expect(fills(pictures)).toEqual([1, 2, 3]);
  expect(pictures.every(({ data }) => data.length > 10_000)).toBe(true);
});

test("a packet that never comes is given up soon on a slow stream: the next key picture does not wait for sixty-four", async () => {
  await using sender = await socketAt("127.0.0.1");
  const { client, answer } = udpSetUp();
  await using camera = await ScriptedCamera.start({
    answer,
    play: async (connection) => {
      for (const i of [0, 1, 3, 4, 5, 6]) {
        if (!connection.isOpen) return;
        sender.send(packet(idr(i), i), client.port, "127.0.0.1");
        await Bun.sleep(100); // ten pictures a second
      }
    },
  });
  const { pictures, lost } = await receive({ url: camera.url(), transport: "udp" }, 5);
  expect(fills(pictures)).toEqual([0, 1, 3, 4, 5]);
  expect(lost).toBe(1);
});

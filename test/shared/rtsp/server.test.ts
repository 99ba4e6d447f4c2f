import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { silentLog } from "../../../shared/base/log.ts";
import { within } from "../../../shared/base/wait.ts";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import { Authenticator } from "../../../shared/rtsp/auth.ts";
import { rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { Player } from "../../../shared/rtsp/player.ts";
import { JpegPublication, type Publication, StreamPublication } from "../../../shared/rtsp/publication.ts";
import { RtspServer, type RtspServerOptions } from "../../../shared/rtsp/server.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { fills, receive } from "./play.ts";
import { idr, slice } from "./scripted-camera.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const viewer = { user: "viewer", password: "secret" };
const picture = rtpJpeg(
  await encodeStandardJpeg({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3).fill(99) }, 80),
)!;

const stack = new DisposableStack();
afterAll(() => stack.dispose());

/** A server with a JPEG stream that ticks and a coded one that a test pushes into. */
function start(more: Partial<RtspServerOptions> = {}) {
  const jpeg = new JpegPublication();
  const coded = new StreamPublication();
  const timer = setInterval(() => jpeg.push(picture, performance.now()), 10);
  stack.defer(() => clearInterval(timer));
  const streams = new Map<string, JpegPublication | StreamPublication>([
    ["yard", jpeg],
    ["gate one", coded],
  ]);
  const server = stack.use(
    new RtspServer({ host: "127.0.0.1", port: 0, streams, viewer, log: silentLog, ...more }),
  );
  const url = (path: string, login = "") => `rtsp://${login}127.0.0.1:${server.port}/${path}`;
  return { server, coded, jpeg, url };
}

const coded = (units: readonly Buffer[], timestamp: number, isKey: boolean) => ({
  timestamp,
  isKey,
  isClean: isKey,
  data: Buffer.alloc(0),
  packets: units.map((payload, i) => ({
    payloadType: 96,
    marker: i === units.length - 1,
    sequence: 7,
    timestamp,
    ssrc: 9,
    payload,
    extension: undefined,
  })),
});
const FORMAT = {
  payloadType: 96,
  encoding: "H264",
  clockRate: 90_000,
  fmtp: "packetization-mode=1",
  size: undefined,
};

for (const transport of ["tcp", "udp"] as const) {
  test(`pictures are played over ${transport} as they were`, async () => {
    const { url } = start();
    const { pictures } = await receive({ url: url("yard"), transport }, 5);
    expect(rtpJpeg(pictures[0]!.data)).toEqual(picture);
    expect(pictures[4]!.mediaMs).toBeGreaterThan(pictures[0]!.mediaMs);
  });

  test(`a player that joins late gets the stream from its last key picture, over ${transport}`, async () => {
    const { url, coded: stream } = start();
    stream.open(FORMAT);
    stream.push(coded([slice(9)], 0, false));
    stream.push(coded([idr(1)], 9000, true));
    stream.push(coded([slice(2)], 18_000, false));
    const playing = receive({ url: url("gate%20one"), transport }, 4);
    await Bun.sleep(100);
    stream.push(coded([slice(3)], 27_000, false));
    stream.push(coded([slice(4)], 36_000, false));
    expect(fills((await playing).pictures)).toEqual([1, 2, 3, 4]);
  });
}

test("players on other machines need the password, by MD5 or SHA-256; nobody else gets anything", async () => {
  const { url } = start({ guardLoopback: true });
  const good = await receive({ url: url("yard", "viewer:secret@"), transport: "tcp" }, 2);
  expect(good.pictures.length).toBe(2);
  for (const login of ["", "viewer:wrong@", "other:secret@"]) {
    await expect(receive({ url: url("yard", login), transport: "tcp" }, 1)).rejects.toMatchObject({
      kind: "refused",
    });
  }
});

test("an answer to a challenge that somebody overheard opens no connection but its own", async () => {
  const { url, server } = start({ guardLoopback: true });
  const connections = [1, 2].map(() => connect(server.port, "127.0.0.1"));
  const ask = (place: number, authorization: string) =>
    within(
      new Promise<string>((resolve) => {
        connections[place]!.once("data", (data) => resolve(data.toString()));
        connections[place]!.write(`DESCRIBE ${url("yard")} RTSP/1.0\r\nCSeq: 1\r\n${authorization}\r\n`);
      }),
      BUSY_MACHINE_MS,
      "an answer",
    );
  const challenge = /^WWW-Authenticate: (.*)$/m.exec(await ask(0, ""))![1]!.trim();
  const player = new Authenticator(viewer);
  player.challenged([challenge]);
  const answer = `Authorization: ${player.authorization("DESCRIBE", url("yard"))}\r\n`;
  expect(await ask(0, answer)).toStartWith("RTSP/1.0 200");
  expect(await ask(1, answer)).toStartWith("RTSP/1.0 401");
  for (const connection of connections) connection.destroy();
});

test("a name that is not there is 404", async () => {
  const { url } = start();
  await expect(receive({ url: url("attic"), transport: "tcp" }, 1)).rejects.toThrow("404");
  await expect(receive({ url: url("yard/other"), transport: "tcp" }, 1)).rejects.toThrow("404");
});

test("when a file is over its players are sent away, and new ones are told", async () => {
  const { url, jpeg, server } = start();
  const playing = receive({ url: url("yard"), transport: "tcp" }, 1e9);
  while (server.playerCount === 0) await Bun.sleep(5);
  jpeg.end();
  await expect(playing).rejects.toThrow("closed the connection");
  await expect(receive({ url: url("yard"), transport: "tcp" }, 1)).rejects.toThrow("503");
  // One that had described it before, and plays only now.
  expect(endsFor(jpeg)()).toBe(1);
});

/** How often a viewer that joins now is told that nothing more will come. */
function endsFor(publication: Publication): () => number {
  let ended = 0;
  publication.attach({ show: () => {}, ended: () => ended++ });
  return () => ended;
}

test("players of a camera that comes back with another codec are sent away, to describe it anew", () => {
  const stream = new StreamPublication();
  stream.open(FORMAT);
  const ends = endsFor(stream);
  stream.open({ ...FORMAT, fmtp: "packetization-mode=1;profile-level-id=42c01e" });
  expect(ends()).toBe(0);
  stream.open({ ...FORMAT, encoding: "H265" });
  expect(ends()).toBe(1);
  stream.open(FORMAT);
  expect(ends()).toBe(1);
});

test("a player that takes nothing is left out, and the others see every picture", async () => {
  const { url, server, coded: stream } = start();
  stream.open(FORMAT);
  const stuck = connect(server.port, "127.0.0.1");
  const say = (method: string, more: string) =>
    stuck.write(`${method} ${url("gate%20one")} RTSP/1.0\r\nCSeq: 1\r\n${more}\r\n`);
  say("SETUP", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
  const [answer] = await new Promise<[Buffer]>((resolve) =>
    stuck.once("data", (data) => resolve([data as Buffer])),
  );
  say("PLAY", `Session: ${/Session: (\w+)/.exec(answer.toString())![1]}\r\n`);
  await new Promise((resolve) => stuck.once("data", resolve));
  stuck.pause();
  const big = Buffer.concat([idr(0), Buffer.alloc(60_000, 0x55), Buffer.from([1, 2])]);
  let pushed = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 4; i++) stream.push(coded([big], 9000 * pushed++, true));
  }, 5);
  try {
    const { lost, pictures } = await receive({ url: url("gate%20one"), transport: "tcp" }, 200);
    expect(pictures.length).toBeGreaterThanOrEqual(200);
    expect(lost).toBe(0);
  } finally {
    clearInterval(timer);
    stuck.destroy();
  }
});

test("a player that falls behind goes on with a key picture, until then nothing is sent", () => {
  const transport = { sent: 0, queuedBytes: 0, send: () => void transport.sent++, sendReport() {} };
  const player = new Player(transport, 1);
  const packets = [{ payloadType: 96, marker: true, timestamp: 0, payload: Buffer.from([1]) }];
  const show = (isKey: boolean) => {
    const before = transport.sent;
    player.send({ isKey, packets });
    return transport.sent > before;
  };
  expect([show(false), show(true), show(false)]).toEqual([false, true, true]);
  transport.queuedBytes = 2e6;
  expect([show(true), show(false)]).toEqual([false, false]);
  transport.queuedBytes = 0;
  expect([show(false), show(true), show(false)]).toEqual([false, true, true]);
  expect(player.skipped).toBe(4);
  expect(player.isStuck).toBe(false);
});

test("a player that takes nothing for ten seconds is stuck, one that takes a little is not", () => {
  let nowMs = 0;
  const transport = { queuedBytes: 2e6, send() {}, sendReport() {} };
  const player = new Player(transport, 1, () => nowMs);
  const packets = [{ payloadType: 96, marker: true, timestamp: 0, payload: Buffer.from([1]) }];
  const after = (ms: number, queuedBytes: number) => {
    nowMs += ms;
    transport.queuedBytes = queuedBytes;
    player.send({ isKey: true, packets });
    return player.isStuck;
  };
  expect([after(0, 2e6), after(9900, 2e6), after(50, 1000)]).toEqual([false, false, false]);
  expect([after(50, 2e6), after(9900, 2e6), after(200, 2e6)]).toEqual([false, false, true]);
});

test("twenty players share one stream", async () => {
  const { url, server } = start();
  const players = Array.from({ length: 20 }, (_, i) =>
    receive({ url: url("yard"), transport: i % 4 === 0 ? "udp" : "tcp" }, 20),
  );
  const all = await Promise.all(players);
  expect(all.every(({ pictures, lost }) => pictures.length >= 20 && lost === 0)).toBe(true);
  await within(
    (async () => {
      while (server.playerCount > 0) await Bun.sleep(5);
    })(),
    BUSY_MACHINE_MS,
    "their leaving",
  );
});

test("what is no RTSP ends only that player's connection", async () => {
  const { url, server } = start();
  for (const rubbish of [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "\0".repeat(2_000_000),
    "OPTIONS * RTSP/1.0\r\n".repeat(9000),
  ]) {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(rubbish);
    await within(
      new Promise((resolve) => socket.once("close", resolve)),
      BUSY_MACHINE_MS,
      "the end of the connection",
    );
  }
  expect((await receive({ url: url("yard"), transport: "tcp" }, 2)).pictures.length).toBe(2);
});

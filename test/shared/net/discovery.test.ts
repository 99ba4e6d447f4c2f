import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Log, silentLog } from "../../../shared/base/log.ts";
import { Random } from "../../../shared/base/random.ts";
import { announce, discover, discoverAll } from "../../../shared/net/discovery.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { WhoIsThere } from "../../../shared/wire/messages/discovery.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { KEY, OTHER_KEY } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

const { signal } = new AbortController();
const site = siteOf(KEY, "seeker");
const address = { host: "127.0.0.1", port: 7720 };
let port = 0;
let before: string | undefined;

beforeAll(async () => {
  before = process.env.VIGIA_DISCOVERY_PORT;
  port = await freePort();
  process.env.VIGIA_DISCOVERY_PORT = String(port);
});
afterAll(() => {
  if (before === undefined) delete process.env.VIGIA_DISCOVERY_PORT;
  else process.env.VIGIA_DISCOVERY_PORT = before;
});

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  socket.close();
  return port;
}

test("a node of this site is found, with its address", async () => {
  using _tester = announce({ site: siteOf(KEY, "t"), role: "tester", address, signal, log: silentLog });
  expect(await discover({ site, role: "tester", signal, timeoutMs: 10_000 })).toEqual(address);
});

test("every node of a role is found, several on one machine, and no others", async () => {
  const shared = { signal, log: silentLog };
  using _a = announce({ ...shared, site: siteOf(KEY, "a"), role: "video", address: { ...address, port: 1 } });
  using _b = announce({ ...shared, site: siteOf(KEY, "b"), role: "video", address: { ...address, port: 2 } });
  using _c = announce({
    ...shared,
    site: siteOf(KEY, "c"),
    role: "trainer",
    address: { ...address, port: 3 },
  });
  using _d = announce({
    ...shared,
    site: siteOf(OTHER_KEY, "d"),
    role: "video",
    address: { ...address, port: 4 },
  });
  // A question that came before they listened gets no answer.
  let found = await discoverAll({ site, role: "video", signal }, 300);
  while (found.length < 2) found = await discoverAll({ site, role: "video", signal }, 300);
  expect(found.map(({ name, address }) => `${name} ${address.port}`).sort()).toEqual(["a 1", "b 2"]);
});

test("a node that starts after the search has begun is found", async () => {
  const found = discover({ site, role: "tester", signal, timeoutMs: 10_000 });
  await Bun.sleep(50);
  using _late = announce({ site: siteOf(KEY, "late"), role: "tester", address, signal, log: silentLog });
  expect(await found).toEqual(address);
});

test("a node that listens on every address is found at one where it can be reached", async () => {
  const everywhere = { host: "0.0.0.0", port: 7720 };
  using _tester = announce({
    site: siteOf(KEY, "t"),
    role: "tester",
    address: everywhere,
    signal,
    log: silentLog,
  });
  const found = await discover({ site, role: "tester", signal, timeoutMs: 10_000 });
  expect(found.port).toBe(7720);
  expect(found.host).toMatch(/^[1-9]\d*\.\d+\.\d+\.\d+$/);
});

test("nobody of this site: the search ends in time and says what to do; a stranger's site is told", async () => {
  const lines: string[] = [];
  const log = new Log("test", [(line) => lines.push(line)]);
  using _other = announce({ site: siteOf(OTHER_KEY, "other"), role: "trainer", address, signal, log });
  const search = () => appErrorOf(discover({ site, role: "trainer", signal, timeoutMs: 300 }));
  const error = await search();
  expect(error).toMatchObject({ kind: "unavailable", message: "no trainer found within 0.3 s" });
  expect(error.hint).toContain("--trainer HOST:PORT");
  const isTold = (): boolean => lines.join().includes("another site key looks for this site");
  while (!isTold()) await search(); // a question that came before it listened is not heard
});

test("noise on the port is ignored", async () => {
  using _tester = announce({ site: siteOf(KEY, "t"), role: "tester", address, signal, log: silentLog });
  const noise = createSocket("udp4");
  const random = new Random("noise");
  for (let i = 0; i < 100; i++) {
    const datagram = Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
    await new Promise((sent) => noise.send(datagram, port, "127.0.0.1", sent));
  }
  noise.close();
  expect(await discover({ site, role: "tester", signal, timeoutMs: 10_000 })).toEqual(address);
});

test("an abort ends the search", async () => {
  const stop = new AbortController();
  const search = appErrorOf(discover({ site, role: "watcher", signal: stop.signal }));
  stop.abort();
  expect(await search).toMatchObject({ kind: "cancelled" });
});

test("askers that leave before their answer comes do not keep the next from finding the node", async () => {
  const lines: string[] = [];
  const log = new Log("test", [(line) => void lines.push(line)]);
  using _tester = announce({ site, role: "tester", address, signal, log });
  for (let i = 0; i < 5; i++) {
    await askAndLeave();
    expect(await discover({ site, role: "tester", signal, timeoutMs: 3000 })).toEqual(address);
  }
  expect(lines).toEqual([]);
});

/** Asks, and is gone when the answer comes; returns when it has come. */
async function askAndLeave(): Promise<void> {
  const question = WhoIsThere.encode({ roles: ["tester"], nonce: new Uint8Array(16) });
  const sealed = Buffer.concat([question, site.mac("discovery", [question])]);
  const asker = createSocket("udp4");
  asker.bind(0, "127.0.0.1", () => {
    asker.setMulticastInterface("127.0.0.1");
    asker.send(sealed, port, "239.255.77.1", () => asker.close());
  });
  await once(asker, "close");
  // Datagrams to oneself: what was sent before them has been heard by then.
  const self = createSocket("udp4");
  self.bind(0, "127.0.0.1");
  await once(self, "listening");
  for (let i = 0; i < 2; i++) {
    self.send("", self.address().port, "127.0.0.1");
    await once(self, "message");
  }
  self.close();
}

test("a port that cannot be had is told once and ends nothing", async () => {
  const holder = createSocket("udp4"); // without reuseAddr
  await new Promise<void>((resolve) => holder.bind(0, "0.0.0.0", resolve));
  process.env.VIGIA_DISCOVERY_PORT = String(holder.address().port);
  const lines: string[] = [];
  const told = Promise.withResolvers<void>();
  const log = new Log("test", [
    (line) => {
      lines.push(line);
      told.resolve();
    },
  ]);
  using _tester = announce({ site, role: "tester", address, signal, log });
  await told.promise;
  expect(lines).toEqual([expect.stringContaining("addresses do")]);
  holder.close();
  process.env.VIGIA_DISCOVERY_PORT = String(port);
});

test("finding can be switched off", async () => {
  process.env.VIGIA_DISCOVERY_PORT = "0";
  using _silent = announce({ site, role: "tester", address, signal, log: silentLog });
  expect(await appErrorOf(discover({ site, role: "tester", signal }))).toMatchObject({ kind: "unavailable" });
  expect(await discoverAll({ site, role: "tester", signal })).toEqual([]);
  process.env.VIGIA_DISCOVERY_PORT = String(port);
});

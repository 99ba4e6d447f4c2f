import { expect, test } from "bun:test";
import {
  MESSAGE_SIZE_BYTES_MAX,
  RECEIVE_WINDOW_BYTES,
  SEND_QUEUE_BYTES_MAX,
} from "../../../shared/base/limits.ts";
import { Random } from "../../../shared/base/random.ts";
import { expired } from "../../../shared/base/wait.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { connectTo, listenHere, Note, Parcel, pair } from "./support.ts";

const QUICK = { heartbeatMs: 20, deadlineMsMin: 200, deadlineMsMax: 400 };

async function allNotes(link: Connection): Promise<string[]> {
  const words: string[] = [];
  for await (const body of link.messages()) words.push(Note.decode(body).words);
  return words;
}

test("a message crosses a real socket, either way", async () => {
  await using link = await pair();
  await link.near.send(Note, { words: "to the trainer" });
  await link.far.send(Note, { words: "to the worker" });
  expect(Note.decode((await link.far.messages().next()).value!).words).toBe("to the trainer");
  expect(Note.decode((await link.near.messages().next()).value!).words).toBe("to the worker");
});

test("each end knows the other, and where it takes links", async () => {
  await using link = await pair({ connect: { listenPort: 4321 } });
  expect(link.near.peer).toMatchObject({
    role: "trainer",
    name: "the trainer",
    address: link.listener.address,
  });
  expect(link.far.peer).toMatchObject({
    role: "worker",
    name: "a worker",
    listening: { host: "127.0.0.1", port: 4321 },
  });
  expect(link.far.peer.nodeId).toMatch(/^[0-9a-f]{16}$/);
});

test("a peer that takes no links says so", async () => {
  await using link = await pair();
  expect(link.far.peer.listening).toBeUndefined();
});

test("messages of every size arrive whole and in order, both ways at once", async () => {
  await using link = await pair();
  const exchange = async (from: Connection, to: Connection, seed: number): Promise<void> => {
    const sizes = Array.from({ length: 120 }, (_, i) =>
      new Random(seed, i).below(i % 10 === 0 ? 3_000_000 : 5000),
    );
    const sending = (async () => {
      for (const [number, size] of sizes.entries()) {
        await from.send(Parcel, { number, contents: Buffer.alloc(size, number) });
      }
    })();
    const inbox = to.messages();
    for (const [number, size] of sizes.entries()) {
      const parcel = Parcel.decode((await inbox.next()).value!);
      expect(parcel.number).toBe(number);
      expect(Buffer.from(parcel.contents).equals(Buffer.alloc(size, number))).toBe(true);
    }
    await sending;
  };
  await Promise.all([exchange(link.near, link.far, 1), exchange(link.far, link.near, 2)]);
});

test("what is sent is what was there at the time of sending", async () => {
  await using link = await pair();
  const contents = Buffer.alloc(2_000_000, 1);
  const sent = link.near.send(Parcel, { number: 0, contents });
  contents.fill(2); // the role's own buffer, used again
  await sent;
  const parcel = Parcel.decode((await link.far.messages().next()).value!);
  expect(parcel.contents.every((byte) => byte === 1)).toBe(true);
});

test("a slow reader holds the sender back with bounded memory, and loses nothing", async () => {
  await using link = await pair();
  const contents = Buffer.alloc(1 << 20);
  const count = 64;
  let taken = 0;
  const sending = (async () => {
    for (; taken < count; taken++) await link.near.send(Parcel, { number: taken, contents });
  })();
  expect(await expired(sending, 300)).toBe(true);
  const boundBytes = SEND_QUEUE_BYTES_MAX + RECEIVE_WINDOW_BYTES + 3 * contents.length;
  expect(taken * contents.length).toBeLessThanOrEqual(boundBytes);
  expect(link.near.queuedBytes).toBeLessThanOrEqual(SEND_QUEUE_BYTES_MAX + 2 * contents.length);

  const inbox = link.far.messages();
  for (let number = 0; number < count; number++) {
    expect(Parcel.decode((await inbox.next()).value!).number).toBe(number);
  }
  await sending;
});

test("messages flow one way while the other way is blocked", async () => {
  await using link = await pair();
  const contents = Buffer.alloc(1 << 20);
  for (let number = 0; number < 20; number++)
    void link.near.send(Parcel, { number, contents }).catch(() => {});
  await link.far.send(Note, { words: "still heard" });
  expect(Note.decode((await link.near.messages().next()).value!).words).toBe("still heard");
});

test("closing delivers what is queued, then the peer's reader ends with the reason at hand", async () => {
  await using link = await pair();
  const words = Array.from({ length: 500 }, (_, i) => `note ${i}`);
  for (const each of words) void link.near.send(Note, { words: each });
  const reading = allNotes(link.far);
  await link.near.close("the lesson is over");
  expect(await reading).toEqual(words);
  expect(link.far.closed.aborted).toBe(true);
  expect(link.far.closed.reason).toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining("lesson is over"),
  });
  expect(link.near.closed.reason).toMatchObject({ kind: "cancelled" });
});

test("closing delivers megabytes even while the peer is sending", async () => {
  await using link = await pair();
  const contents = Buffer.alloc(1 << 20);
  for (let number = 0; number < 12; number++) {
    void link.near.send(Parcel, { number, contents });
    void link.far.send(Parcel, { number, contents }).catch(() => {});
  }
  const closing = link.near.close();
  let arrived = 0;
  for await (const _ of link.far.messages()) arrived++;
  expect(arrived).toBe(12);
  await closing;
});

test("both ends may close at once, and again", async () => {
  await using link = await pair();
  await Promise.all([link.near.close(), link.far.close(), link.near.close()]);
  await link.far.close();
});

test("sending on a link that has ended is refused, at either end", async () => {
  await using link = await pair();
  await link.near.close("bye");
  expect(await appErrorOf(link.near.send(Note, { words: "late" }))).toMatchObject({ kind: "unavailable" });
  expect(await appErrorOf(link.far.send(Note, { words: "late" }))).toMatchObject({ kind: "unavailable" });
});

test("an abort frees readers and senders at both ends", async () => {
  await using link = await pair();
  const contents = Buffer.alloc(1 << 20);
  const stuck = (async () => {
    for (;;) await link.near.send(Parcel, { number: 0, contents });
  })();
  const nearInbox = link.near.messages().next();
  expect(await expired(stuck, 100)).toBe(true);
  link.stop.abort();
  expect((await nearInbox).done).toBe(true);
  expect(await appErrorOf(stuck)).toMatchObject({ kind: "unavailable" });
  await link.listener[Symbol.asyncDispose]();
  expect(link.far.closed.aborted).toBe(true);
}, 15_000);

test("a message too large for the wire is refused where it is sent, and the link lives on", async () => {
  await using link = await pair();
  const many = { number: 0, contents: Buffer.alloc(MESSAGE_SIZE_BYTES_MAX) };
  expect(await appErrorOf(link.near.send(Parcel, many))).toMatchObject({ kind: "bug" });
  await link.near.send(Note, { words: "fine" });
  expect(Note.decode((await link.far.messages().next()).value!).words).toBe("fine");
});

test("a reader that is busy for long is not taken for dead", async () => {
  await using link = await pair({ listen: { pace: QUICK }, connect: { pace: QUICK } });
  const contents = Buffer.alloc(1 << 20);
  for (let number = 0; number < 20; number++)
    void link.near.send(Parcel, { number, contents }).catch(() => {});
  await Bun.sleep(4 * QUICK.deadlineMsMax);
  expect(link.near.closed.aborted || link.far.closed.aborted).toBe(false);
  const inbox = link.far.messages();
  for (let number = 0; number < 20; number++) expect((await inbox.next()).done).toBe(false);
});

test("a hundred workers connect at once and each gets its answer", async () => {
  const stop = new AbortController();
  await using listener = await listenHere(stop.signal, async (link) => {
    for await (const body of link.messages()) await link.send(Note, Note.decode(body));
  });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      await using link = await connectTo(listener.address, stop.signal);
      await link.send(Note, { words: `worker ${i}` });
      return Note.decode((await link.messages().next()).value!).words;
    }),
  );
  expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => `worker ${i}`));
});

test("an error in what serves a link closes that link with its reason, and no other", async () => {
  const stop = new AbortController();
  await using listener = await listenHere(stop.signal, async (link) => {
    for await (const body of link.messages()) {
      if (Note.decode(body).words === "fail") throw new Error("no such thing");
      await link.send(Note, Note.decode(body));
    }
  });
  await using good = await connectTo(listener.address, stop.signal);
  await using bad = await connectTo(listener.address, stop.signal);
  await bad.send(Note, { words: "fail" });
  expect((await bad.messages().next()).done).toBe(true);
  expect(bad.closed.reason).toMatchObject({ message: expect.stringContaining("no such thing") });
  await good.send(Note, { words: "still here" });
  expect((await good.messages().next()).done).toBe(false);
});

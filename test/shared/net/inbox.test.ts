import { expect, test } from "bun:test";
import { Inbox } from "../../../shared/net/inbox.ts";

const MESSAGES = 64;
const BYTES = 1024 * 1024;

test("a message that was drawn is not held any longer, however far the reader is behind", async () => {
  const inbox = new Inbox(() => {});
  const drawn: WeakRef<Buffer>[] = [];
  const messages = inbox.messages();
  inbox.put(Buffer.alloc(BYTES));
  for (let i = 0; i < MESSAGES; i++) {
    // There is always another one behind it.
    inbox.put(Buffer.alloc(BYTES));
    drawn.push(new WeakRef((await messages.next()).value!));
  }
  await new Promise(setImmediate); // a weak reference keeps its object until then
  Bun.gc(true);
  // The collector may take the last few for used.
  expect(drawn.filter((one) => one.deref() !== undefined).length).toBeLessThan(MESSAGES / 4);
});

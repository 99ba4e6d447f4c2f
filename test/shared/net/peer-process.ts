/** A worker in a process of its own, for tests that freeze or kill it: connects to the port given and says hello. */
import { connectTo, Note } from "./support.ts";

const { signal } = new AbortController();
const link = await connectTo({ host: "127.0.0.1", port: Number(process.argv[2]) }, signal);
await link.send(Note, { words: "hello" });
for await (const _ of link.messages()) {
  // Until the other end closes.
}
process.exit();

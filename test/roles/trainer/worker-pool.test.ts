import { expect, setDefaultTimeout, test } from "bun:test";
import { WorkerPool } from "../../../roles/trainer/worker-pool.ts";
import { silentLog } from "../../../shared/base/log.ts";
import { deferred } from "../../../shared/base/wait.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { BlobStore } from "../../../shared/store/blobs.ts";
import { WorkerHello } from "../../../shared/wire/messages/training.ts";
import { connectTo, KEY, listenHere } from "../../shared/net/support.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { tempFolder } from "../../support/temp.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test("a worker whose link broke without a word is back at once: its newer link takes the place of the old one", async () => {
  using folder = tempFolder();
  const pool = new WorkerPool(new BlobStore(folder.path), silentLog);
  const happened: string[] = [];
  let wake = deferred();
  const note = (what: string): void => {
    happened.push(what);
    wake.resolve();
  };
  using _user = pool.use({
    joined: ({ name, threads }) => note(`${name} joined with ${threads}`),
    left: ({ name, threads }) => note(`${name} left with ${threads}`),
    answers: new Map(),
  });
  const { signal } = new AbortController();
  await using listener = await listenHere(signal, (link) => pool.serve(link));
  const site = siteOf(KEY, "laptop");
  const join = async (threads: number) => {
    const link = await connectTo(listener.address, signal, { site });
    await link.send(WorkerHello, { threads });
    return link;
  };
  const until = async (count: number): Promise<void> => {
    while (happened.length < count) {
      wake = deferred();
      await wake.promise;
    }
  };
  // The first is not closed: the trainer cannot know that nothing comes over it any more.
  await using _old = await join(1);
  await until(1);
  await using _new = await join(2);
  await until(3);
  expect(happened).toEqual(["laptop joined with 1", "laptop left with 1", "laptop joined with 2"]);
  expect(pool.workers.map(({ threads }) => threads)).toEqual([2]);
});

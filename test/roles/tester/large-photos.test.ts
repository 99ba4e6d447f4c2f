import { expect, test } from "bun:test";
import { LargePhotos } from "../../../roles/tester/large-photos.ts";
import { Dispatch } from "../../../shared/wire/message.ts";
import { PhotoWanted } from "../../../shared/wire/messages/frames.ts";
import { pair } from "../../shared/net/support.ts";

test("of the photos wished for one sighting while one is on its way, only the newest is asked for", async () => {
  await using links = await pair({
    listen: { role: "video", accept: ["tester"] },
    connect: { role: "tester", expect: ["video"] },
  });
  const photos = new LargePhotos();
  const asked: number[] = [];
  const begun = Promise.withResolvers<void>();
  const allWished = Promise.withResolvers<void>();
  const dispatch = new Dispatch().on(PhotoWanted, async ({ camera, sequence }) => {
    asked.push(sequence);
    begun.resolve();
    await allWished.promise;
    photos.take({ camera, sequence, width: 9, height: 9, jpeg: Buffer.from(`photo ${sequence}`) });
  });
  const node = (async () => {
    for await (const message of links.far.messages()) await dispatch.run(message);
  })();
  const first = photos.ask(links.near, "gate", 1, 100);
  await begun.promise;
  const rest = [photos.ask(links.near, "gate", 2, 100), photos.ask(links.near, "gate", 3, 100)];
  const other = photos.ask(links.near, "gate", 4, 200);
  allWished.resolve();
  const got = await Promise.all([first, ...rest, other]);
  expect(got.map((photo) => photo?.sequence)).toEqual([undefined, undefined, 3, 4]);
  expect(asked.sort()).toEqual([1, 3, 4]);
  // Nothing is left behind: the next one is asked for at once.
  expect((await photos.ask(links.near, "gate", 5, 100))?.sequence).toBe(5);
  await links.near.close();
  await node;
});

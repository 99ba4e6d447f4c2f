import { expect, test } from "bun:test";
import { searchAll, searchEach, searchOf } from "../../../roles/watcher/log-search.ts";
import { EVERYTHING, TesterFeed } from "../../../roles/watcher/tester-feed.ts";
import { AppError } from "../../../shared/base/errors.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import type { Sighting } from "../../../shared/store/sighting.ts";
import { Dispatch } from "../../../shared/wire/message.ts";
import { FollowTraining } from "../../../shared/wire/messages/models.ts";
import {
  FindSightings,
  FollowSightings,
  FollowTester,
  SightingsFound,
} from "../../../shared/wire/messages/sightings.ts";
import { pair } from "../../shared/net/support.ts";
import { visitOf } from "../../support/visits.ts";

const rowOf = (id: number): Sighting => ({
  ...visitOf({ firstSeenMs: 1000 * id }),
  ...{ id, photo: `photos/${id}.jpg`, closed: true, revision: id },
});

/** A feed of a tester that has `rows` sightings and answers so many searches; after that its link ends. */
async function feedOf(index: number, rows: number, answers: number) {
  const links = await pair({
    listen: { role: "tester", accept: ["watcher"] },
    connect: { role: "watcher", expect: ["tester"] },
  });
  const ready = Promise.withResolvers<void>();
  const feed = new TesterFeed(index, {
    onConnected: () => ready.resolve(),
    onSightings() {},
    onStatus() {},
    onJobs() {},
  });
  const following = feed.follow(links.near).catch(() => {});
  const answering = answer(links.far, rows, answers);
  await ready.promise;
  return {
    feed,
    /** Ends the link, and waits until the feed knows. */
    async lose() {
      await links.far.close();
      await following;
    },
    async [Symbol.asyncDispose]() {
      await links[Symbol.asyncDispose]();
      await Promise.all([following, answering]);
    },
  };
}

async function answer(link: Connection, rows: number, answers: number): Promise<void> {
  let left = answers;
  const dispatch = new Dispatch()
    .on(FollowSightings, () => {})
    .on(FollowTester, () => {})
    .on(FollowTraining, () => {})
    .on(FindSightings, async ({ requestId, before, limit }) => {
      if (left-- === 0) return link.close();
      const first = (before?.id ?? rows + 1) - 1;
      const found = Array.from({ length: Math.min(limit, first) }, (_, i) => rowOf(first - i));
      await link.send(SightingsFound, { requestId, rows: found });
    });
  for await (const message of link.messages()) await dispatch.run(message);
}

test("a tester that is lost in the middle of a search takes nothing from the others' sightings", async () => {
  await using whole = await feedOf(0, 3, 1);
  await using lost = await feedOf(1, 3, 0);
  const found = await searchAll([whole.feed, lost.feed], EVERYTHING, 10);
  expect(found.map(({ row }) => row.id)).toEqual([3, 2, 1]);
});

test("a table whose tester is lost between two pages fails, and does not pass for whole", async () => {
  await using tester = await feedOf(0, 700, 2);
  const pages = searchEach([tester.feed], EVERYTHING);
  expect((await pages.next()).value).toHaveLength(500);
  await tester.lose();
  expect(await pages.next().catch((error: unknown) => error)).toBeInstanceOf(AppError);
});

test("a long word in a script of wide letters is cut to what fits on the wire, between two letters", () => {
  const { text } = searchOf(new URLSearchParams({ text: "ж".repeat(150) }));
  expect(text).toBe("ж".repeat(100));
  expect(searchOf(new URLSearchParams({ text: "鳥".repeat(100) })).text).toBe("鳥".repeat(66));
});

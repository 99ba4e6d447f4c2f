import type { Sighting } from "../../shared/store/sighting.ts";
import { FOUND_ROWS_MAX } from "../../shared/wire/messages/sightings.ts";
import { EVERYTHING, type SightingSearch, type TesterFeed } from "./tester-feed.ts";

/** A sighting and whose it is. */
export interface Found {
  readonly feed: TesterFeed;
  readonly row: Sighting;
}

/** The place of a sighting in the list of all testers: newest first, at one moment by tester, then by id. */
export interface Place {
  readonly firstSeenMs: number;
  readonly tester: number;
  readonly id: number;
}

/** What a page's address asks for: `class`, `camera`, `text`, `from` and `until` in ms since 1970. */
export function searchOf(query: URLSearchParams): SightingSearch {
  const word = (key: string): string | undefined => query.get(key)?.slice(0, 100) || undefined;
  return {
    ...EVERYTHING,
    className: word("class"),
    camera: word("camera"),
    text: word("text"),
    sinceMs: numberOf(query.get("from")),
    untilMs: numberOf(query.get("until")),
  };
}

/** The place that `before` names: `firstSeenMs,tester-id`, a sighting's time and key. */
export function placeOf(query: URLSearchParams): Place | undefined {
  const found = /^(-?\d+(?:\.\d+)?),(\d{1,4})-(\d{1,15})$/.exec(query.get("before") ?? "");
  if (found === null) return undefined;
  return { firstSeenMs: Number(found[1]), tester: Number(found[2]), id: Number(found[3]) };
}

/** The newest sightings of all testers that match and come after `before` in the list, at most `limit`. */
export async function searchAll(
  feeds: readonly TesterFeed[],
  search: SightingSearch,
  limit: number,
  before?: Place,
): Promise<Found[]> {
  const found = await Promise.all(
    feeds
      .filter(({ isConnected }) => isConnected)
      .map(async (feed): Promise<Found[]> => {
        const rows = await feed.find({ ...search, limit, before: before && placeFor(feed, before) });
        return rows.map((row) => ({ feed, row }));
      }),
  );
  return found
    .flat()
    .sort(
      (a, b) => b.row.firstSeenMs - a.row.firstSeenMs || a.feed.index - b.feed.index || b.row.id - a.row.id,
    )
    .slice(0, limit);
}

/** Every sighting that matches, page by page. */
export async function* searchEach(
  feeds: readonly TesterFeed[],
  search: SightingSearch,
): AsyncGenerator<readonly Found[]> {
  for (let before: Place | undefined; ; ) {
    const page = await searchAll(feeds, search, FOUND_ROWS_MAX, before);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < FOUND_ROWS_MAX) return;
    before = { firstSeenMs: last.row.firstSeenMs, tester: last.feed.index, id: last.row.id };
  }
}

/** Of sightings that began at one moment, those of earlier testers come first. */
function placeFor(feed: TesterFeed, { firstSeenMs, tester, id }: Place): SightingSearch["before"] {
  if (feed.index === tester) return { firstSeenMs, id };
  return { firstSeenMs, id: feed.index < tester ? 0 : Number.MAX_SAFE_INTEGER };
}

function numberOf(text: string | null): number | undefined {
  return text === null || text === "" || !Number.isFinite(Number(text)) ? undefined : Number(text);
}

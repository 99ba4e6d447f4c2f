import { NAME_LENGTH_MAX } from "../../shared/base/limits.ts";
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
  const word = (key: string): string | undefined => cutToName(query.get(key) ?? "") || undefined;
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

/**
 * The newest sightings that match and come after `before` in the list, at most `limit`. Testers that do not answer are
 * left out, unless none does: then throws `unavailable`.
 */
export async function searchAll(
  feeds: readonly TesterFeed[],
  search: SightingSearch,
  limit: number,
  before?: Place,
): Promise<Found[]> {
  const asked = feeds.filter(({ isConnected }) => isConnected);
  const answers = await Promise.allSettled(asked.map((feed) => ask(feed, search, limit, before)));
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (found.length === 0 && failed !== undefined) throw failed.reason;
  return merged(found, limit);
}

/**
 * Every sighting that matches, page by page, of all testers that are there at the beginning. Throws `unavailable` when
 * one of them is lost meanwhile: a list with a gap must not pass for whole.
 */
export async function* searchEach(
  feeds: readonly TesterFeed[],
  search: SightingSearch,
): AsyncGenerator<readonly Found[]> {
  const asked = feeds.filter(({ isConnected }) => isConnected);
  for (let before: Place | undefined; ; ) {
    const found = await Promise.all(asked.map((feed) => ask(feed, search, FOUND_ROWS_MAX, before)));
    const page = merged(found, FOUND_ROWS_MAX);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < FOUND_ROWS_MAX) return;
    before = { firstSeenMs: last.row.firstSeenMs, tester: last.feed.index, id: last.row.id };
  }
}

async function ask(
  feed: TesterFeed,
  search: SightingSearch,
  limit: number,
  before: Place | undefined,
): Promise<Found[]> {
  const rows = await feed.find({ ...search, limit, before: before && placeFor(feed, before) });
  return rows.map((row) => ({ feed, row }));
}

function merged(found: readonly Found[][], limit: number): Found[] {
  return found
    .flat()
    .sort(
      (a, b) => b.row.firstSeenMs - a.row.firstSeenMs || a.feed.index - b.feed.index || b.row.id - a.row.id,
    )
    .slice(0, limit);
}

/** Of sightings that began at one moment, those of earlier testers come first. */
function placeFor(feed: TesterFeed, { firstSeenMs, tester, id }: Place): SightingSearch["before"] {
  if (feed.index === tester) return { firstSeenMs, id };
  return { firstSeenMs, id: feed.index < tester ? 0 : Number.MAX_SAFE_INTEGER };
}

function numberOf(text: string | null): number | undefined {
  return text === null || text === "" || !Number.isFinite(Number(text)) ? undefined : Number(text);
}

/** As much of a text as a name on the wire may have. */
function cutToName(text: string): string {
  const letters = [...text.slice(0, NAME_LENGTH_MAX)];
  while (Buffer.byteLength(letters.join("")) > NAME_LENGTH_MAX) letters.pop();
  return letters.join("");
}

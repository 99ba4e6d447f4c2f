import type { SightingView } from "../view.ts";
import { byId, element } from "./elements.ts";
import { Filters } from "./filters.ts";
import type { LargeView } from "./large-view.ts";
import type { Words } from "./words.ts";

/** Sightings shown while nobody asks for older ones. */
const SHOWN_MIN = 120;

/** The sightings that match the filters, the newest first; new ones come in at the top by themselves. */
export class LogList {
  readonly #words: Words;
  readonly #locale: string;
  readonly #large: LargeView;
  readonly #filters: Filters;
  #shown: SightingView[] = [];
  #shownMax = SHOWN_MIN;
  #loads = 0;

  constructor(words: Words, locale: string, large: LargeView) {
    this.#words = words;
    this.#locale = locale;
    this.#large = large;
    this.#filters = new Filters(words, () => void this.load());
    byId("more").addEventListener("click", () => void this.#loadOlder());
    large.onStep = (row, step) => {
      const at = this.#shown.findIndex(({ key }) => key === row.key);
      return at < 0 ? undefined : this.#shown[at + step];
    };
  }

  /** What a filter may be set to. */
  offer(filter: "class" | "camera", names: readonly string[]): void {
    this.#filters.offer(filter, names);
  }

  /** Reads the newest matching sightings anew. */
  async load(): Promise<void> {
    const load = ++this.#loads;
    byId<HTMLAnchorElement>("download").href =
      `/sightings.csv?${this.#filters.query({ locale: this.#locale })}`;
    try {
      const { rows, more } = await this.#fetch({});
      if (load !== this.#loads) return; // the filters changed meanwhile
      this.#shown = rows;
      this.#shownMax = SHOWN_MIN;
      this.#draw(more);
    } catch {
      // No link to the tester: what is shown stays, and the page says so at its head.
    }
  }

  /** Takes in new and changed sightings. */
  take(rows: readonly SightingView[]): void {
    for (const row of rows.filter((one) => this.#filters.matches(one))) {
      const at = this.#shown.findIndex(({ key }) => key === row.key);
      if (at >= 0) this.#shown[at] = row;
      else if (!this.#isBelow(row)) this.#shown.push(row);
    }
    this.#shown.sort((a, b) => b.firstSeenMs - a.firstSeenMs);
    // A page that is open all day must not grow all day.
    const isCut = this.#shown.length > this.#shownMax;
    this.#shown.length = Math.min(this.#shown.length, this.#shownMax);
    this.#draw(isCut || !byId("more").hidden);
    for (const row of rows) this.#large.update(row);
  }

  /** Older than what is shown: it comes when older ones are asked for. */
  #isBelow(row: SightingView): boolean {
    const oldest = this.#shown.at(-1);
    return !byId("more").hidden && oldest !== undefined && row.firstSeenMs < oldest.firstSeenMs;
  }

  async #loadOlder(): Promise<void> {
    const oldest = this.#shown.at(-1);
    if (oldest === undefined) return;
    const load = this.#loads;
    const older = await this.#fetch({ before: `${oldest.firstSeenMs},${oldest.key}` }).catch(() => undefined);
    // Without a link the page says so at its head; other filters want other sightings.
    if (older === undefined || load !== this.#loads) return;
    const { rows, more } = older;
    this.#shown.push(...rows);
    this.#shownMax = Math.max(this.#shownMax, this.#shown.length);
    this.#draw(more);
    byId("log").children[this.#shown.length - rows.length]?.querySelector("button")?.focus();
  }

  #draw(more: boolean): void {
    const list = byId<HTMLOListElement>("log");
    const cards = new Map([...list.children].map((card) => [(card as HTMLElement).dataset.key, card]));
    // A card whose sighting did not change stays, so that its picture does not flicker.
    list.replaceChildren(
      ...this.#shown.map((row) => {
        const old = cards.get(row.key) as HTMLElement | undefined;
        return old?.dataset.stamp === stamp(row) ? old : this.#card(row);
      }),
    );
    byId("more").hidden = !more;
    for (const [filter, key] of [
      ["class", "className"],
      ["camera", "camera"],
    ] as const) {
      this.#filters.offer(
        filter,
        this.#shown.map((row) => row[key]),
      );
    }
    byId("empty").textContent =
      this.#shown.length > 0 ? "" : this.#filters.isSet ? this.#words.nothingMatches : this.#words.nothing;
  }

  #card(row: SightingView): HTMLElement {
    const seen = new Date(row.firstSeenMs);
    const isToday = seen.toDateString() === new Date().toDateString();
    const when = isToday
      ? seen.toLocaleTimeString(this.#locale)
      : seen.toLocaleString(this.#locale, { dateStyle: "medium", timeStyle: "short" });
    const image = element("img", { src: `${row.photo}&crop`, alt: row.what, loading: "lazy" });
    const button = element(
      "button",
      { type: "button" },
      image,
      element("span", { class: "what" }, `${row.what} ${Math.round(100 * row.score)}%`),
      element("span", { class: "where" }, row.camera),
      element("span", { class: "when" }, when),
    );
    button.addEventListener("click", () => this.#large.open(this.#find(row.key) ?? row));
    return element(
      "li",
      { class: "sighting", "data-key": row.key, "data-stamp": stamp(row), "data-closed": String(row.closed) },
      button,
    );
  }

  /** The sighting as it is now: a card may be older. */
  #find(key: string): SightingView | undefined {
    return this.#shown.find((row) => row.key === key);
  }

  async #fetch(more: Record<string, string>): Promise<{ rows: SightingView[]; more: boolean }> {
    const answer = await fetch(`/sightings?${this.#filters.query(more)}`);
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as { rows: SightingView[]; more: boolean };
  }
}

/** Changes when a card does. */
function stamp({ photo, what, closed, score }: SightingView): string {
  return `${photo} ${what} ${closed} ${score}`;
}

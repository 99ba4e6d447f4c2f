import type { SightingView } from "../view.ts";
import { byId, element } from "./elements.ts";
import type { LargeView } from "./large-view.ts";
import type { Words } from "./words.ts";

const DAY_MS = 86_400_000;

/** The sightings that match the filters, the newest first; new ones come in at the top by themselves. */
export class LogList {
  readonly #words: Words;
  readonly #locale: string;
  readonly #large: LargeView;
  readonly #filters = byId<HTMLFormElement>("filters");
  #shown: SightingView[] = [];
  #loads = 0;

  constructor(words: Words, locale: string, large: LargeView) {
    this.#words = words;
    this.#locale = locale;
    this.#large = large;
    this.#filters.addEventListener("input", () => void this.load());
    this.#filters.addEventListener("reset", () => setTimeout(() => void this.load()));
    byId("more").addEventListener("click", () => void this.#loadOlder());
    this.offer("class", []);
    this.offer("camera", []);
  }

  /** What a filter may be set to. Its choice stays. */
  offer(filter: "class" | "camera", names: readonly string[]): void {
    const select = this.#filters.elements.namedItem(filter) as HTMLSelectElement;
    const chosen = select.value;
    const all = [...new Set([...names, ...(chosen === "" ? [] : [chosen])])];
    const offered = [...select.options].map(({ value }) => value);
    if (offered.join("\n") === ["", ...all].join("\n")) return;
    select.replaceChildren(
      element("option", { value: "" }, this.#words.any),
      ...all.map((name) => element("option", { value: name }, name)),
    );
    select.value = chosen;
  }

  /** Reads the newest matching sightings anew. */
  async load(): Promise<void> {
    const load = ++this.#loads;
    const { rows, more } = await this.#fetch({});
    if (load !== this.#loads) return; // the filters changed meanwhile
    this.#shown = rows;
    this.#draw(more);
  }

  /** Takes in new and changed sightings. */
  take(rows: readonly SightingView[]): void {
    for (const row of rows.filter((one) => this.#matches(one))) {
      const at = this.#shown.findIndex(({ key }) => key === row.key);
      if (at >= 0) this.#shown[at] = row;
      else this.#shown.push(row);
    }
    this.#shown.sort((a, b) => b.firstSeenMs - a.firstSeenMs);
    this.#draw(!byId("more").hidden);
    for (const row of rows) this.#large.update(row);
  }

  async #loadOlder(): Promise<void> {
    const oldest = this.#shown.at(-1);
    if (oldest === undefined) return;
    const { rows, more } = await this.#fetch({ before: String(oldest.firstSeenMs) });
    this.#shown.push(...rows);
    this.#draw(more);
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
    const { className, camera, day } = this.#choice();
    const filtered = className !== "" || camera !== "" || day !== "";
    byId("empty").textContent =
      this.#shown.length > 0 ? "" : filtered ? this.#words.nothingMatches : this.#words.nothing;
  }

  #card(row: SightingView): HTMLElement {
    const when = new Date(row.firstSeenMs).toLocaleString(this.#locale, {
      dateStyle: "medium",
      timeStyle: "medium",
    });
    const image = element("img", { src: `${row.photo}&crop`, alt: row.what, loading: "lazy" });
    const button = element(
      "button",
      { type: "button" },
      image,
      element("span", { class: "what" }, `${row.what} ${Math.round(100 * row.score)}%`),
      element("span", { class: "where" }, row.camera),
      element("span", { class: "when" }, when),
    );
    button.addEventListener("click", () => this.#large.open(row));
    return element(
      "li",
      { class: "sighting", "data-key": row.key, "data-stamp": stamp(row), "data-closed": String(row.closed) },
      button,
    );
  }

  #choice(): { className: string; camera: string; day: string } {
    const data = new FormData(this.#filters);
    return {
      className: String(data.get("class") ?? ""),
      camera: String(data.get("camera") ?? ""),
      day: String(data.get("day") ?? ""),
    };
  }

  /** Local midnight to midnight of the chosen day, in ms since 1970. */
  #period(): { from: number; until: number } | undefined {
    const { day } = this.#choice();
    if (day === "") return undefined;
    const from = new Date(`${day}T00:00`).getTime();
    // Noon of the next day lies in it whatever the clocks do that night.
    const until = new Date(from + 1.5 * DAY_MS).setHours(0, 0, 0, 0);
    return { from, until };
  }

  #matches(row: SightingView): boolean {
    const { className, camera } = this.#choice();
    const period = this.#period();
    return (
      (className === "" || row.className === className) &&
      (camera === "" || row.camera === camera) &&
      (period === undefined || (row.firstSeenMs >= period.from && row.firstSeenMs < period.until))
    );
  }

  async #fetch(more: Record<string, string>): Promise<{ rows: SightingView[]; more: boolean }> {
    const { className, camera } = this.#choice();
    const period = this.#period();
    const query = new URLSearchParams({ class: className, camera, ...more });
    if (period !== undefined) {
      query.set("from", String(period.from));
      query.set("until", String(period.until));
    }
    return (await (await fetch(`/sightings?${query}`)).json()) as { rows: SightingView[]; more: boolean };
  }
}

function stamp({ photo, closed, score }: SightingView): string {
  return `${photo} ${closed} ${score}`;
}

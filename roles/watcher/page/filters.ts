import type { SightingView } from "../view.ts";
import { byId, element } from "./elements.ts";
import type { Words } from "./words.ts";

const DAY_MS = 86_400_000;
/** Typing pauses this long before it is looked for. */
const TYPING_MS = 250;

/** What the reader wants to see: a class, a camera, a day, a word. */
export class Filters {
  readonly #words: Words;
  readonly #form = byId<HTMLFormElement>("filters");
  #typing: ReturnType<typeof setTimeout> | undefined;

  /** @param onChange called when something else is wanted */
  constructor(words: Words, onChange: () => void) {
    this.#words = words;
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("input", ({ target }) => {
      clearTimeout(this.#typing);
      const isTyped = (target as HTMLInputElement).name === "text";
      this.#typing = setTimeout(onChange, isTyped ? TYPING_MS : 0);
    });
    this.#form.addEventListener("reset", () => setTimeout(onChange));
    this.offer("class", []);
    this.offer("camera", []);
  }

  /** What a filter may be set to, beside what was offered before. Its choice stays. */
  offer(filter: "class" | "camera", names: readonly string[]): void {
    const select = this.#form.elements.namedItem(filter) as HTMLSelectElement;
    const offered = [...select.options].map(({ value }) => value).filter((value) => value !== "");
    const all = [...new Set([...offered, ...names])].sort((a, b) => a.localeCompare(b));
    if (select.options.length > 0 && all.join("\n") === offered.join("\n")) return;
    const chosen = select.value;
    select.replaceChildren(
      element("option", { value: "" }, this.#words.any),
      ...all.map((name) => element("option", { value: name }, name)),
    );
    select.value = chosen;
  }

  get isSet(): boolean {
    return Object.values(this.#choice()).some((value) => value !== "");
  }

  matches(row: SightingView): boolean {
    const { className, camera, text } = this.#choice();
    const period = this.#period();
    return (
      (className === "" || row.className === className) &&
      (camera === "" || row.camera === camera) &&
      `${row.className} ${row.camera} ${row.what}`.toLowerCase().includes(text.toLowerCase()) &&
      (period === undefined || (row.lastSeenMs >= period.from && row.firstSeenMs < period.until))
    );
  }

  /** The same as the server is asked for it. */
  query(more: Record<string, string> = {}): URLSearchParams {
    const { className, camera, text } = this.#choice();
    const period = this.#period();
    const query = new URLSearchParams({ class: className, camera, text, ...more });
    if (period !== undefined) {
      query.set("from", String(period.from));
      query.set("until", String(period.until));
    }
    return query;
  }

  #choice(): { className: string; camera: string; day: string; text: string } {
    const data = new FormData(this.#form);
    const of = (name: string): string => String(data.get(name) ?? "").trim();
    return { className: of("class"), camera: of("camera"), day: of("day"), text: of("text") };
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
}

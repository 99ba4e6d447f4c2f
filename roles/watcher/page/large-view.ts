import type { SightingView } from "../view.ts";
import { byId, drawBoxes, element } from "./elements.ts";
import type { Words } from "./words.ts";

/** One sighting, large: the whole photo with the object's box, and all that is known of it. */
export class LargeView {
  readonly #words: Words;
  readonly #locale: string;
  readonly #dialog = byId<HTMLDialogElement>("large");
  readonly #photo = byId<HTMLImageElement>("large-photo");
  #row: SightingView | undefined;

  constructor(words: Words, locale: string) {
    this.#words = words;
    this.#locale = locale;
    this.#photo.addEventListener("load", () => this.#drawBox());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  open(row: SightingView): void {
    this.#show(row);
    this.#dialog.showModal();
  }

  /** Follows changes of the sighting that is open. */
  update(row: SightingView): void {
    if (this.#dialog.open && this.#row?.key === row.key) this.#show(row);
  }

  #show(row: SightingView): void {
    this.#row = row;
    const percent = `${Math.round(100 * row.score)}%`;
    byId("large-title").textContent = `${row.what} · ${row.camera}`;
    if (this.#photo.getAttribute("src") !== row.photo) this.#photo.src = row.photo;
    this.#photo.alt = row.what;
    const facts: [string, string][] = [
      [this.#words.first, this.#time(row.firstSeenMs)],
      [this.#words.last, row.closed ? this.#time(row.lastSeenMs) : this.#words.stillThere],
      [this.#words.camera, row.camera],
      [this.#words.score, percent],
      [this.#words.model, `${row.model} ${row.modelVersion}`],
    ];
    byId("large-facts").replaceChildren(
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    );
  }

  #drawBox(): void {
    if (this.#row === undefined) return;
    const { box, what } = this.#row;
    const { naturalWidth, naturalHeight } = this.#photo;
    drawBoxes(byId<SVGSVGElement>("large-box"), naturalWidth, naturalHeight, [{ box, label: what }]);
  }

  #time(ms: number): string {
    const date = new Date(ms);
    return date.toLocaleString(this.#locale, { dateStyle: "full", timeStyle: "medium" });
  }
}

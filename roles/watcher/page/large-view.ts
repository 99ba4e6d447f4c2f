import type { SightingPathView, SightingView } from "../view.ts";
import { byId, drawBoxes, drawing, element } from "./elements.ts";
import type { Words } from "./words.ts";

/** One sighting, large: the whole photo with the object's box, and all that is known of it. */
export class LargeView {
  readonly #words: Words;
  readonly #locale: string;
  readonly #dialog = byId<HTMLDialogElement>("large");
  readonly #photo = byId<HTMLImageElement>("large-photo");
  #row: SightingView | undefined;
  /** Boxes of the way it took, in shares of the picture. */
  #path: SightingPathView["path"] = [];
  /** The neighbour of a sighting in the list: 1 is the next older one. */
  onStep: (row: SightingView, step: 1 | -1) => SightingView | undefined = () => undefined;

  constructor(words: Words, locale: string) {
    this.#words = words;
    this.#locale = locale;
    this.#photo.addEventListener("load", () => this.#draw());
    this.#photo.addEventListener("error", () => {
      this.#photo.alt = words.noPhoto;
      byId<SVGSVGElement>("large-box").replaceChildren();
    });
    byId("newer").addEventListener("click", () => this.#step(-1));
    byId("older").addEventListener("click", () => this.#step(1));
    this.#dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.#step(-1);
      if (key === "ArrowRight") this.#step(1);
    });
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

  #step(step: 1 | -1): void {
    const next = this.#row === undefined ? undefined : this.onStep(this.#row, step);
    if (next !== undefined) this.#show(next);
  }

  #show(row: SightingView): void {
    const isNew = this.#row?.key !== row.key;
    this.#row = row;
    if (isNew) this.#path = [];
    void this.#fetchPath(row);
    byId<HTMLButtonElement>("newer").disabled = this.onStep(row, -1) === undefined;
    byId<HTMLButtonElement>("older").disabled = this.onStep(row, 1) === undefined;
    const percent = `${Math.round(100 * row.score)}%`;
    byId("large-title").textContent = `${row.what} · ${row.camera}`;
    if (this.#photo.getAttribute("src") !== row.photo) this.#photo.src = row.photo;
    this.#photo.alt = row.what;
    const facts: [string, string][] = [
      [this.#words.first, this.#time(row.firstSeenMs)],
      [this.#words.last, row.closed ? this.#time(row.lastSeenMs) : this.#words.stillThere],
      [this.#words.lasted, this.#duration(row.lastSeenMs - row.firstSeenMs)],
      [this.#words.camera, row.camera],
      ...(row.zone === "" ? [] : [[this.#words.zone, row.zone] as [string, string]]),
      [this.#words.score, percent],
      [this.#words.model, `${row.model} ${row.modelVersion}`],
    ];
    byId("large-facts").replaceChildren(
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    );
  }

  async #fetchPath(row: SightingView): Promise<void> {
    const answer = await fetch(`/sighting/${row.key}`).catch(() => undefined);
    if (answer?.ok !== true || this.#row?.key !== row.key) return;
    this.#path = ((await answer.json()) as SightingPathView).path;
    this.#draw();
  }

  #draw(): void {
    const { naturalWidth: width, naturalHeight: height } = this.#photo;
    if (this.#row === undefined || width === 0) return;
    const { box, what } = this.#row;
    const over = byId<SVGSVGElement>("large-box");
    drawBoxes(over, width, height, [{ box, label: what }]);
    // Where it stood: the middle of each box's lower edge.
    const feet = this.#path.map(([x1 = 0, , x2 = 0, y2 = 0]) => [((x1 + x2) / 2) * width, y2 * height]);
    if (feet.length < 2) return;
    const points = feet.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" ");
    const [x = 0, y = 0] = feet.at(-1)!;
    const end = { cx: x.toFixed(1), cy: y.toFixed(1), r: String(height / 60) };
    over.prepend(
      drawing("polyline", { points }, drawing("title", {}, this.#words.pathShown)),
      drawing("circle", end),
    );
  }

  #duration(ms: number): string {
    const seconds = ms / 1000;
    const [value, unit] = seconds < 90 ? [seconds, "second"] : [seconds / 60, "minute"];
    const form = {
      style: "unit",
      unit,
      unitDisplay: "long",
      maximumFractionDigits: value < 10 ? 1 : 0,
    } as const;
    return value.toLocaleString(this.#locale, form);
  }

  #time(ms: number): string {
    const date = new Date(ms);
    return date.toLocaleString(this.#locale, { dateStyle: "full", timeStyle: "medium" });
  }
}

import type { CameraView } from "../view.ts";
import { labelOf, REFRESH_MS, showPicture } from "./camera-picture.ts";
import { byId, drawBoxes, drawing, element } from "./elements.ts";
import { failureWords, type Words } from "./words.ts";

interface Card {
  readonly root: HTMLElement;
  readonly image: HTMLImageElement;
  readonly boxes: SVGSVGElement;
  readonly state: HTMLElement;
}

/** The row of cameras: each with its latest tested picture, the boxes on it, and how it is doing. */
export class CameraCards {
  readonly #words: Words;
  readonly #locale: string;
  readonly #open: (camera: CameraView) => void;
  readonly #cards = new Map<string, Card>();
  #cameras: readonly CameraView[] = [];

  /** @param open called when somebody wants a camera large */
  constructor(words: Words, locale: string, open: (camera: CameraView) => void) {
    this.#words = words;
    this.#locale = locale;
    this.#open = open;
    void this.#refreshForEver();
  }

  show(cameras: readonly CameraView[]): void {
    this.#cameras = cameras;
    const row = byId("cameras");
    if (cameras.length === 0) row.replaceChildren(element("p", {}, this.#words.noCameras));
    else if (this.#cards.size === 0) row.replaceChildren();
    for (const [key, { root }] of this.#cards) {
      if (cameras.some((camera) => camera.key === key)) continue;
      root.remove();
      this.#cards.delete(key);
    }
    for (const camera of cameras) {
      const card = this.#cards.get(camera.key) ?? this.#add(row, camera);
      card.root.dataset.state = camera.state;
      card.state.textContent = cameraWords(camera, this.#words, this.#locale);
    }
  }

  #add(row: HTMLElement, camera: CameraView): Card {
    const image = element("img", { alt: "" });
    const boxes = drawing("svg", { "aria-hidden": "true" });
    const state = element("small");
    const badge = element("span", { class: "badge" }, this.#words.rules.open);
    const label = `${this.#words.rules.open}: ${camera.name}`;
    const frame = element(
      "button",
      { type: "button", class: "frame", "aria-label": label },
      image,
      boxes,
      badge,
    );
    frame.addEventListener("click", () => this.#open(camera));
    const root = element("article", { class: "camera" }, frame);
    root.append(element("p", {}, element("b", {}, camera.name), state));
    row.append(root);
    const card = { root, image, boxes, state };
    this.#cards.set(camera.key, card);
    return card;
  }

  async #refreshForEver(): Promise<void> {
    for (;;) {
      // A hidden page asks for nothing, nor do cards behind a dialog.
      if (!document.hidden && document.querySelector("dialog[open]") === null) {
        await Promise.all(this.#cameras.map((camera) => this.#refresh(camera).catch(() => undefined)));
      }
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
  }

  async #refresh(camera: CameraView): Promise<void> {
    const card = this.#cards.get(camera.key);
    const seen = card && (await showPicture(card.image, camera.key));
    if (card === undefined || seen === undefined) return;
    const labelled = seen.objects.map((object) => ({ box: object.box, label: labelOf(object) }));
    drawBoxes(card.boxes, seen.width, seen.height, labelled);
  }
}

/** How a camera does: what is wrong, or how much of what it sends is looked at. */
export function cameraWords(camera: CameraView, words: Words, locale: string): string {
  const { state, testedPerSecond, framesPerSecond, problem } = camera;
  const word = words.states[state as keyof Words["states"]] ?? state;
  if (state !== "live") return problem === undefined ? word : `${word}: ${failureWords(problem, words)}`;
  const form = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  const [tested, sent] = [testedPerSecond, framesPerSecond].map((rate) => rate.toLocaleString(locale, form));
  return `${tested} / ${sent} ${words.perSecond}`;
}

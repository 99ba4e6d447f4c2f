import type { CameraView } from "../view.ts";
import { byId, drawBoxes, drawing, element } from "./elements.ts";
import type { Words } from "./words.ts";

/** How often a camera's picture is fetched while somebody looks. */
const REFRESH_MS = 700;

interface Seen {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly {
    readonly className: string;
    readonly name?: string;
    readonly score: number;
    readonly box: readonly number[];
  }[];
}

interface Card {
  readonly root: HTMLElement;
  readonly image: HTMLImageElement;
  readonly boxes: SVGSVGElement;
  readonly state: HTMLElement;
}

/** The row of cameras: each with its latest tested picture, the boxes on it, and how it is doing. */
export class CameraCards {
  readonly #words: Words;
  readonly #cards = new Map<string, Card>();
  #cameras: readonly CameraView[] = [];

  constructor(words: Words) {
    this.#words = words;
    void this.#refreshForEver();
  }

  show(cameras: readonly CameraView[]): void {
    this.#cameras = cameras;
    const row = byId("cameras");
    if (cameras.length === 0) row.replaceChildren(this.#words.noCameras);
    else if (this.#cards.size === 0) row.replaceChildren();
    for (const [key, { root }] of this.#cards) {
      if (cameras.some((camera) => camera.key === key)) continue;
      root.remove();
      this.#cards.delete(key);
    }
    for (const camera of cameras) {
      const card = this.#cards.get(camera.key) ?? this.#add(row, camera);
      card.root.dataset.state = camera.state;
      card.state.textContent = this.#stateWords(camera);
      card.state.title = camera.detail;
    }
  }

  #stateWords({ state, testedPerSecond, skipped, detail }: CameraView): string {
    const word = this.#words.states[state as keyof Words["states"]] ?? state;
    if (state !== "live") return detail === "" ? word : `${word}: ${detail}`;
    const passed = skipped > 0 ? ` · ${skipped} ${this.#words.skipped}` : "";
    return `${testedPerSecond.toFixed(1)} ${this.#words.perSecond}${passed}`;
  }

  #add(row: HTMLElement, camera: CameraView): Card {
    const image = element("img", { alt: camera.name });
    const boxes = drawing("svg", { "aria-hidden": "true" });
    const state = element("small");
    const frame = element("div", { class: "frame" }, image, boxes);
    const root = element("article", { class: "camera" }, frame);
    root.append(element("p", {}, element("b", {}, camera.name), state));
    row.append(root);
    const card = { root, image, boxes, state };
    this.#cards.set(camera.key, card);
    return card;
  }

  async #refreshForEver(): Promise<void> {
    for (;;) {
      // A hidden page asks for nothing.
      if (!document.hidden) {
        await Promise.all(this.#cameras.map((camera) => this.#refresh(camera).catch(() => undefined)));
      }
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
  }

  async #refresh(camera: CameraView): Promise<void> {
    const card = this.#cards.get(camera.key);
    if (card === undefined) return;
    const answer = await fetch(`/camera/${camera.key}`);
    if (answer.status !== 200) return;
    const seen = JSON.parse(decodeURIComponent(answer.headers.get("vigia-seen") ?? "null")) as Seen | null;
    const address = URL.createObjectURL(await answer.blob());
    const before = card.image.src;
    card.image.src = address;
    await card.image.decode();
    URL.revokeObjectURL(before);
    if (seen === null) return;
    const labelled = seen.objects.map(({ className, name, score, box }) => ({
      box,
      label: `${className} ${name === undefined ? "" : `${name} `}${Math.round(100 * score)}%`,
    }));
    drawBoxes(card.boxes, seen.width, seen.height, labelled);
  }
}

import type { CameraView, RulesSavedView, RulesView } from "../../view.ts";
import { cameraWords } from "../camera-cards.ts";
import { REFRESH_MS, showPicture } from "../camera-picture.ts";
import { byId, drawing, element } from "../elements.ts";
import type { Words } from "../words.ts";
import { type Draft, draftOf, rulesOf } from "./draft.ts";
import { RulesPanel } from "./panel.ts";
import { RulesPicture } from "./picture.ts";

/** A camera that is open: its rules as they were read, and as they are being changed. */
interface Opened {
  readonly camera: CameraView;
  readonly view: RulesView;
  readonly draft: Draft;
  readonly picture: RulesPicture;
}

/** One camera, large and live, on which is drawn what counts as near. */
export class RulesEditor {
  readonly #allWords: Words;
  readonly #words: Words["rules"];
  readonly #locale: string;
  readonly #dialog = byId<HTMLDialogElement>("rules");
  readonly #image = byId<HTMLImageElement>("rules-photo");
  readonly #frame = byId("rules-frame");
  readonly #svg = drawing("svg", { id: "rules-drawing", tabindex: "-1", role: "group" });
  readonly #save = byId<HTMLButtonElement>("rules-save");
  #cameraKey = "";
  #opened: Opened | undefined;
  /** Counts openings: what belongs to an earlier one is dropped. */
  #opening = 0;

  constructor(words: Words, locale: string) {
    this.#allWords = words;
    this.#words = words.rules;
    this.#locale = locale;
    this.#svg.setAttribute("aria-label", words.rules.open);
    this.#frame.append(this.#svg);
    this.#save.addEventListener("click", () => void this.#store());
    byId("rules-close").addEventListener("click", () => this.#leave());
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (this.#opened?.picture.cancel() !== true) this.#leave();
    });
    this.#dialog.addEventListener("close", () => {
      this.#opened = undefined;
      this.#opening += 1;
      this.#image.removeAttribute("src");
    });
    new ResizeObserver(() => this.#opened?.picture.render()).observe(this.#svg);
    window.addEventListener("beforeunload", (event) => {
      if (this.#isChanged) event.preventDefault();
    });
  }

  /** How the open camera does now. */
  update(cameras: readonly CameraView[]): void {
    const now = cameras.find(({ key }) => key === this.#cameraKey);
    if (now === undefined || !this.#dialog.open) return;
    const skipped = `${now.skipped.toLocaleString(this.#locale)} ${this.#allWords.skipped}`;
    byId("rules-camera").textContent = `${cameraWords(now, this.#allWords, this.#locale)} · ${skipped}`;
  }

  /** Opens a camera. */
  open(camera: CameraView): void {
    this.#cameraKey = camera.key;
    byId("rules-camera").textContent = "";
    byId("rules-title").textContent = camera.name;
    this.#image.alt = camera.name;
    byId("rules-panel").replaceChildren();
    this.#svg.replaceChildren();
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#read(camera);
  }

  async #read(camera: CameraView): Promise<void> {
    const opening = ++this.#opening;
    this.#opened = undefined;
    this.#save.disabled = true;
    this.#say("");
    void this.#showLive(camera, opening);
    const answer = await fetch(`/rules/${camera.key}`).catch(() => undefined);
    if (opening !== this.#opening) return;
    if (answer?.ok !== true) {
      this.#say(this.#words.unreachable, true);
      return;
    }
    const view = (await answer.json()) as RulesView;
    if (opening !== this.#opening) return;
    if (view.problem !== "") this.#say(`${this.#words.refused} ${view.problem}`, true);
    const draft = draftOf(view);
    const picture = new RulesPicture(this.#svg, this.#words, this.#locale, draft, () => {
      panel.render();
      this.#tellChanges();
    });
    const panel = new RulesPanel(byId("rules-panel"), this.#words, {
      draft,
      classes: view.classes,
      isDistanceFixed: view.all.distance !== undefined,
      picture,
      onChange: () => this.#tellChanges(),
    });
    this.#opened = { camera, view, draft, picture };
    panel.render();
  }

  /** Fetches the picture again and again until something else is opened. */
  async #showLive(camera: CameraView, opening: number): Promise<void> {
    while (opening === this.#opening) {
      if (!document.hidden) {
        const seen = await showPicture(this.#image, camera.key).catch(() => undefined);
        if (opening !== this.#opening) return;
        if (seen !== undefined) {
          this.#frame.style.aspectRatio = `${seen.width} / ${seen.height}`;
          this.#opened?.picture.show(seen);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    }
  }

  get #isChanged(): boolean {
    if (this.#opened === undefined) return false;
    const { draft, view } = this.#opened;
    return JSON.stringify(rulesOf(draft, view)) !== JSON.stringify(rulesOf(draftOf(view), view));
  }

  #tellChanges(): void {
    const { problem } = this.#opened?.view ?? { problem: "" };
    this.#save.disabled = !this.#isChanged || problem !== "";
    if (problem === "") this.#say(this.#isChanged ? this.#words.unsaved : "");
  }

  /** @param revision of the rules that are put out of force; without it those that were read */
  async #store(revision?: string): Promise<void> {
    if (this.#opened === undefined) return;
    const { camera, view, draft } = this.#opened;
    if (draft.distance !== undefined && draft.distance.far.meters <= draft.distance.near.meters) {
      this.#say(this.#words.marksWrong, true);
      return;
    }
    this.#save.disabled = true;
    const rules = rulesOf(draft, view);
    const answer = await fetch(`/rules/${camera.key}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ revision: revision ?? view.revision, rules }),
    }).catch(() => undefined);
    if (this.#opened?.draft !== draft) return; // closed meanwhile
    this.#save.disabled = false;
    if (answer?.ok !== true) {
      this.#say(this.#words.unreachable, true);
      return;
    }
    const saved = (await answer.json()) as RulesSavedView;
    if (saved.outcome === "outdated") {
      this.#say(this.#words.outdated, true, [
        [this.#words.showTheirs, () => void this.#read(camera)],
        [this.#words.saveMine, () => void this.#store(saved.revision)],
      ]);
    } else if (saved.outcome === "refused") {
      this.#say(`${this.#words.refused} ${saved.reason}`, true);
    } else {
      this.#opened = {
        ...this.#opened,
        view: { ...view, own: structuredClone(rules), revision: saved.revision },
      };
      this.#save.disabled = !this.#isChanged;
      this.#say(this.#words.saved);
    }
  }

  #leave(): void {
    if (!this.#isChanged || confirm(this.#words.discard)) this.#dialog.close();
  }

  #say(words: string, isBad = false, choices: readonly (readonly [string, () => void])[] = []): void {
    const line = byId("rules-state");
    line.dataset.bad = String(isBad);
    const buttons = choices.map(([word, act]) => {
      const made = element("button", { type: "button" }, word);
      made.addEventListener("click", act);
      return made;
    });
    line.replaceChildren(words, ...buttons);
  }
}

import { element } from "../elements.ts";
import type { Words } from "../words.ts";
import { CORNERS, type Draft, newDistance, type Shape } from "./draft.ts";
import type { RulesPicture } from "./picture.ts";

/** The fields beside the picture: what is drawn, as a list, and what is said of each. */
export class RulesPanel {
  readonly #root: HTMLElement;
  readonly #words: Words["rules"];
  readonly #draft: Draft;
  readonly #classes: readonly string[];
  /** Rules for all cameras say the distance: then one camera cannot be without. */
  readonly #isDistanceFixed: boolean;
  readonly #picture: RulesPicture;
  readonly #onChange: () => void;

  constructor(
    root: HTMLElement,
    words: Words["rules"],
    parts: {
      readonly draft: Draft;
      readonly classes: readonly string[];
      readonly isDistanceFixed: boolean;
      readonly picture: RulesPicture;
      readonly onChange: () => void;
    },
  ) {
    this.#root = root;
    this.#words = words;
    this.#draft = parts.draft;
    this.#classes = parts.classes;
    this.#isDistanceFixed = parts.isDistanceFixed;
    this.#picture = parts.picture;
    this.#onChange = parts.onChange;
  }

  /** Shows the draft as it is now; what has the focus keeps it. */
  render(): void {
    const focused = (document.activeElement as HTMLInputElement | null)?.id;
    this.#root.replaceChildren(...this.#tools(), ...this.#list(), this.#general());
    if (focused) document.getElementById(focused)?.focus();
  }

  #tools(): HTMLElement[] {
    const kind = this.#picture.isDrawing;
    if (kind !== undefined) {
      const words = kind === "line" ? this.#words.drawLine : this.#words.drawPolygon;
      return [
        element("p", { class: "hint", role: "status" }, words),
        element(
          "div",
          { class: "tools" },
          button("rules-finish", this.#words.finish, () => this.#picture.finish()),
          button("rules-cancel", this.#words.cancel, () => void this.#picture.cancel()),
        ),
      ];
    }
    const add = (of: Shape["kind"], word: string): HTMLElement =>
      button(`rules-add-${of}`, `+ ${word}`, () => this.#picture.begin(of));
    const { zone, line, mask } = this.#words;
    return [
      element(
        "p",
        { class: "hint" },
        this.#words.summary(this.#draft.shapes.some(({ kind: one }) => one !== "mask")),
      ),
      element("div", { class: "tools" }, add("zone", zone), add("line", line), add("mask", mask)),
    ];
  }

  #list(): HTMLElement[] {
    const rows = this.#draft.shapes.map((shape, i) => {
      const isOpen = i === this.#picture.selected;
      const title = shape.kind === "mask" ? this.#words.mask : shape.name;
      const row = button(`rules-shape-${i}`, title, () => this.#picture.select(isOpen ? undefined : i));
      row.setAttribute("aria-expanded", String(isOpen));
      row.dataset.kind = shape.kind;
      return element("li", {}, row, ...(isOpen ? [this.#fields(shape, i)] : []));
    });
    return rows.length === 0 ? [] : [element("ul", { class: "shapes" }, ...rows)];
  }

  #fields(shape: Shape, index: number): HTMLElement {
    const { kind } = shape;
    const fields: HTMLElement[] = [];
    if (kind !== "mask") fields.push(this.#nameField(shape), ...this.#classesField(shape));
    if (kind === "zone") {
      fields.push(
        this.#number("rules-dwell", this.#words.dwell, shape.dwellSeconds, [0, 86_400, 1], (value) => {
          shape.dwellSeconds = value ?? 0;
        }),
        this.#number(
          "rules-zone-height",
          this.#words.zoneHeight,
          shape.minHeightPercent,
          [0, 100, 0.5],
          (value) => {
            shape.minHeightPercent = value;
          },
        ),
      );
    }
    if (kind === "line") fields.push(...this.#directionFields(shape));
    const remove = button("rules-remove", this.#words.remove, () => {
      this.#draft.shapes.splice(index, 1);
      this.#picture.select(undefined);
    });
    const isSpare = this.#picture.corner !== undefined && shape.corners.length > CORNERS[kind][0];
    const removeCorner = button("rules-remove-corner", this.#words.removeCorner, () =>
      this.#picture.removeCorner(),
    );
    if (!isSpare) removeCorner.disabled = true;
    const tools = kind === "line" ? [remove] : [remove, removeCorner];
    return element("div", { class: "fields" }, ...fields, element("div", { class: "tools" }, ...tools));
  }

  #nameField(shape: Shape): HTMLElement {
    const input = element("input", { id: "rules-name", maxlength: "60", autocomplete: "off", required: "" });
    input.value = shape.name;
    input.addEventListener("input", () => {
      const name = input.value.trim();
      if (name === "") return;
      this.#set(() => (shape.name = name));
      this.#root.querySelector(".shapes [aria-expanded=true]")!.textContent = name;
    });
    return labelled(this.#words.name, input);
  }

  #classesField(shape: Shape): HTMLElement[] {
    const all = [...new Set([...this.#classes, ...shape.classes])];
    if (all.length === 0) return [];
    const boxes = all.map((name, i) => {
      const box = element("input", { type: "checkbox", id: `rules-class-${i}` });
      box.checked = shape.classes.includes(name);
      box.addEventListener("change", () => {
        const others = shape.classes.filter((one) => one !== name);
        this.#set(() => (shape.classes = box.checked ? [...others, name] : others));
      });
      return element("label", { class: "check" }, box, name);
    });
    return [element("fieldset", {}, element("legend", {}, this.#words.onlyClasses), ...boxes)];
  }

  #directionFields(shape: Shape): HTMLElement[] {
    const both = element("input", { type: "checkbox", id: "rules-both" });
    both.checked = shape.direction === "both";
    both.addEventListener("change", () =>
      this.#switch(() => (shape.direction = both.checked ? "both" : "left-to-right")),
    );
    const turn = button("rules-turn", this.#words.turn, () => this.#set(() => shape.corners.reverse()));
    turn.disabled = both.checked;
    return [element("label", { class: "check" }, both, this.#words.bothWays), turn];
  }

  /** What holds for the whole picture. */
  #general(): HTMLElement {
    const { distance } = this.#draft;
    const isOn = element("input", { type: "checkbox", id: "rules-distance" });
    isOn.checked = distance !== undefined;
    isOn.disabled = this.#isDistanceFixed;
    isOn.addEventListener("change", () =>
      this.#switch(() => (this.#draft.distance = isOn.checked ? newDistance() : undefined)),
    );
    const fields = [
      this.#number(
        "rules-height",
        this.#words.minHeight,
        this.#draft.minHeightPercent,
        [0, 100, 0.5],
        (value) => {
          if (value !== undefined) this.#draft.minHeightPercent = value;
        },
      ),
      element("label", { class: "check" }, isOn, this.#words.distance),
    ];
    if (distance !== undefined) {
      const range = [0.1, 10_000, 0.1] as const;
      fields.push(
        element("p", { class: "hint" }, this.#words.distanceHelp),
        this.#number("rules-near", this.#words.near, distance.near.meters, range, (value) => {
          if (value !== undefined) distance.near.meters = value;
        }),
        this.#number("rules-far", this.#words.far, distance.far.meters, range, (value) => {
          if (value !== undefined) distance.far.meters = value;
        }),
        this.#number("rules-within", this.#words.within, distance.nearMeters, range, (value) => {
          if (value !== undefined) distance.nearMeters = value;
        }),
      );
    }
    return element("div", { class: "fields" }, ...fields);
  }

  /** A number that may be left empty; what is out of its range is marked, and not taken. */
  #number(
    id: string,
    label: string,
    value: number | undefined,
    [min, max, step]: readonly [number, number, number],
    set: (value: number | undefined) => void,
  ): HTMLElement {
    const input = element("input", {
      id,
      type: "number",
      inputmode: "decimal",
      min: String(min),
      max: String(max),
      step: String(step),
    });
    if (value !== undefined) input.value = String(value);
    input.addEventListener("input", () => {
      const isGood =
        !input.validity.badInput && !input.validity.rangeOverflow && !input.validity.rangeUnderflow;
      if (isGood) this.#set(() => set(input.value === "" ? undefined : input.valueAsNumber));
    });
    return labelled(label, input);
  }

  /** The field that is being written stays as it is. */
  #set(change: () => void): void {
    change();
    this.#picture.render();
    this.#onChange();
  }

  /** Other fields may be wanted now. */
  #switch(change: () => void): void {
    this.#set(change);
    this.render();
  }
}

function button(id: string, words: string, act: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", id }, words);
  made.addEventListener("click", act);
  return made;
}

function labelled(words: string, input: HTMLElement): HTMLElement {
  return element("label", {}, element("span", {}, words), input);
}

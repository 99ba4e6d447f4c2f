import type { Point } from "../../../../shared/detect/near/geometry.ts";
import { labelOf, type Seen } from "../camera-picture.ts";
import { drawing } from "../elements.ts";
import type { Words } from "../words.ts";
import { CORNERS, type Draft, freeName, inside, moved, newShape, type ShapeKind } from "./draft.ts";
import { type Drawn, drawDistance, drawHeightBar, drawShape, drawUnfinished } from "./drawn.ts";
import { isNearNow } from "./near-now.ts";

/** A click so near the first corner closes a polygon, in pixels of the screen. */
const CLOSE_PX = 14;
/** A step of the arrow keys; with Shift a large one. */
const STEP = 0.005;
const LARGE_STEP = 0.05;
/** The marks of the distance stay so far from each other. */
const MARK_GAP = 0.02;
/** Where nobody has clicked, a shape begins as this. */
const FIRST_SHAPES: Readonly<Record<ShapeKind, readonly Point[]>> = {
  zone: [
    [0.3, 0.5],
    [0.7, 0.5],
    [0.7, 0.95],
    [0.3, 0.95],
  ],
  mask: [
    [0.05, 0.05],
    [0.3, 0.05],
    [0.3, 0.25],
    [0.05, 0.25],
  ],
  line: [
    [0.5, 0.95],
    [0.5, 0.4],
  ],
};

/** The live picture on which rules are drawn, by mouse, finger or keys. */
export class RulesPicture {
  readonly #svg: SVGSVGElement;
  readonly #words: Words["rules"];
  readonly #locale: string;
  readonly #things = drawing("g", {});
  readonly #shapes = drawing("g", {});
  readonly #onChange: () => void;
  #draft: Draft;
  #seen: Seen | undefined;
  #drawing: { readonly kind: ShapeKind; readonly corners: Point[]; pointer: Point | undefined } | undefined;
  #drag: { readonly grip: string; last: Point } | undefined;
  /** Place in the draft's shapes. */
  selected: number | undefined;
  /** The corner that was touched last, of the selected shape. */
  corner: number | undefined;
  #barFoot: Point = [0.05, 0.96];

  /** @param onChange called when the draft, or what is selected, is another */
  constructor(svg: SVGSVGElement, words: Words["rules"], locale: string, draft: Draft, onChange: () => void) {
    this.#svg = svg;
    this.#words = words;
    this.#locale = locale;
    this.#draft = draft;
    this.#onChange = onChange;
    svg.replaceChildren(this.#things, this.#shapes);
    svg.onpointerdown = (event) => this.#down(event);
    svg.onpointermove = (event) => this.#move(event);
    svg.onpointerup = () => this.#up();
    svg.onpointercancel = () => this.#up();
    svg.ondblclick = () => {
      const { kind, corners = [] } = this.#drawing ?? {};
      if (kind !== undefined && corners.length >= CORNERS[kind][0]) this.finish();
    };
    svg.onkeydown = (event) => this.#key(event);
    this.render();
  }

  /** What is being drawn now. */
  get isDrawing(): ShapeKind | undefined {
    return this.#drawing?.kind;
  }

  /** Shows what the camera sees now. */
  show(seen: Seen): void {
    this.#seen = seen;
    this.render();
  }

  begin(kind: ShapeKind): void {
    this.#drawing = { kind, corners: [], pointer: undefined };
    this.selected = undefined;
    this.#changed();
    this.#svg.focus();
  }

  /** Ends drawing: with too few corners a ready-made shape begins in the middle, to be dragged. */
  finish(): void {
    if (this.#drawing === undefined) return;
    const { kind, corners } = this.#drawing;
    const isEnough = corners.length >= CORNERS[kind][0];
    const name = kind === "mask" ? "" : freeName(this.#draft.shapes, this.#words[kind]);
    const whole = isEnough ? corners : FIRST_SHAPES[kind].map(([x, y]): Point => [x, y]);
    this.#draft.shapes.push(newShape(kind, name, whole));
    this.#drawing = undefined;
    this.select(this.#draft.shapes.length - 1);
  }

  /** @returns whether something was being drawn */
  cancel(): boolean {
    const was = this.#drawing !== undefined;
    this.#drawing = undefined;
    if (was) this.#changed();
    return was;
  }

  select(index: number | undefined): void {
    this.selected = index;
    this.corner = undefined;
    this.#changed();
  }

  removeCorner(): void {
    const shape = this.selected === undefined ? undefined : this.#draft.shapes[this.selected];
    if (shape === undefined || this.corner === undefined || shape.corners.length <= CORNERS[shape.kind][0])
      return;
    shape.corners.splice(this.corner, 1);
    this.corner = undefined;
    this.#changed();
  }

  /** Draws all anew; what has the focus keeps it. */
  render(): void {
    const width = this.#seen?.width ?? 640;
    const height = this.#seen?.height ?? 360;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const pixel = width / Math.max(1, this.#svg.clientWidth || width);
    const number = (value: number): string =>
      value.toLocaleString(this.#locale, { maximumFractionDigits: 1 });
    const on: Drawn = { words: this.#words, width, height, pixel, number };
    const { shapes, distance } = this.#draft;
    const focused = (document.activeElement as SVGElement | null)?.dataset.grip;
    this.#things.replaceChildren(...this.#drawThings(on));
    this.#shapes.replaceChildren(
      ...shapes.flatMap((shape, i) => (i === this.selected ? [] : drawShape(shape, i, false, on))),
      ...(distance === undefined ? [] : drawDistance(distance, on)),
      ...drawHeightBar(this.#draft, this.#barFoot, on),
      ...(this.selected === undefined ? [] : drawShape(shapes[this.selected]!, this.selected, true, on)),
      ...(this.#drawing === undefined
        ? []
        : drawUnfinished(this.#drawing.corners, this.#drawing.pointer, on)),
    );
    this.#svg.dataset.drawing = String(this.#drawing !== undefined);
    if (focused !== undefined) this.#grip(focused)?.focus();
  }

  /** What the model sees, with its height, and where it stands; green when it would count. */
  #drawThings({ width, height, pixel, number }: Drawn): SVGElement[] {
    return (this.#seen?.objects ?? []).flatMap((object) => {
      const [x1, y1, x2, y2] = object.box;
      const percent = (100 * (y2 - y1)) / height;
      const box = [x1 / width, y1 / height, x2 / width, y2 / height] as const;
      const near = String(isNearNow({ className: object.className, box }, this.#draft));
      const size = 14 * pixel;
      const label = `${labelOf(object)} · ${this.#words.high(number(percent))}`;
      return [
        drawing("rect", {
          "data-near": near,
          x: String(x1),
          y: String(y1),
          width: String(Math.max(0, x2 - x1)),
          height: String(Math.max(0, y2 - y1)),
        }),
        drawing("circle", {
          class: "foot",
          "data-near": near,
          cx: String((x1 + x2) / 2),
          cy: String(y2),
          r: String(4 * pixel),
        }),
        drawing(
          "text",
          { x: String(x1 + 2), y: String(Math.max(size, y1 - 4 * pixel)), "font-size": String(size) },
          label,
        ),
      ];
    });
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = this.#placeOf(event);
    if (this.#drawing !== undefined) {
      event.preventDefault();
      this.#click(at);
      return;
    }
    const grip = (event.target as Element).closest<SVGElement>("[data-grip]")?.dataset.grip;
    const [what, index, corner] = grip?.split(" ") ?? [];
    if (grip === undefined || what === undefined) {
      this.select(undefined);
      return;
    }
    this.#svg.setPointerCapture(event.pointerId);
    this.#drag = { grip, last: at };
    if (index !== undefined) {
      if (what === "middle") {
        // The middle of an edge becomes a corner as soon as it is taken.
        this.#draft.shapes[Number(index)]!.corners.splice(Number(corner) + 1, 0, at);
        this.#drag = { grip: `corner ${index} ${Number(corner) + 1}`, last: at };
      }
      this.selected = Number(index);
      this.corner = what === "corner" ? Number(corner) : what === "middle" ? Number(corner) + 1 : undefined;
      this.#changed();
    }
    this.#grip(this.#drag.grip)?.focus({ preventScroll: true });
  }

  #click(at: Point): void {
    const { kind, corners } = this.#drawing!;
    const [least, most] = CORNERS[kind];
    const { clientWidth, clientHeight } = this.#svg;
    const isBeside = (corner: Point | undefined): boolean =>
      corner !== undefined &&
      Math.hypot((at[0] - corner[0]) * clientWidth, (at[1] - corner[1]) * clientHeight) < CLOSE_PX;
    if (corners.length >= least && isBeside(corners[0])) {
      this.finish();
      return;
    }
    if (isBeside(corners.at(-1))) return; // the second half of a double click
    corners.push(at);
    if (corners.length === most) this.finish();
    else this.#changed();
  }

  #move(event: PointerEvent): void {
    const at = this.#placeOf(event);
    if (this.#drawing !== undefined) {
      this.#drawing.pointer = at;
      this.render();
    } else if (this.#drag !== undefined) {
      const { grip, last } = this.#drag;
      this.#drag.last = at;
      this.#pull(grip, at, [at[0] - last[0], at[1] - last[1]]);
    }
  }

  #up(): void {
    this.#drag = undefined;
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Enter" && this.#drawing !== undefined) {
      event.preventDefault();
      this.finish();
      return;
    }
    const grip = (event.target as SVGElement).dataset.grip;
    if (grip === undefined) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      const [what, , corner] = grip.split(" ");
      if (what === "corner") this.corner = Number(corner);
      this.removeCorner();
      return;
    }
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const steps: Readonly<Record<string, Point>> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const way = steps[event.key];
    const from = this.#whereIs(grip);
    if (way === undefined || from === undefined) return;
    event.preventDefault();
    this.#pull(grip, inside([from[0] + way[0], from[1] + way[1]]), way);
  }

  /** What is held goes to a place, by a way. */
  #pull(grip: string, at: Point, way: Point): void {
    const [what, index, corner] = grip.split(" ");
    const shape = this.#draft.shapes[Number(index)];
    const { distance } = this.#draft;
    if (what === "corner" && shape !== undefined) shape.corners[Number(corner)] = at;
    else if (what === "shape" && shape !== undefined) shape.corners = moved(shape.corners, way);
    else if (what === "bar") this.#barFoot = moved([this.#barFoot], way)[0]!;
    else if (what === "height") {
      const percent = 100 * (this.#barFoot[1] - at[1]);
      this.#draft.minHeightPercent = Math.round(2 * Math.min(100, Math.max(0, percent))) / 2;
    } else if (distance !== undefined && what === "near") {
      distance.near.y = Math.max(distance.far.y + MARK_GAP, at[1]);
    } else if (distance !== undefined && what === "far") {
      distance.far.y = Math.min(distance.near.y - MARK_GAP, at[1]);
    }
    this.#changed();
  }

  #whereIs(grip: string): Point | undefined {
    const [what, index, corner] = grip.split(" ");
    const [x, bottom] = this.#barFoot;
    if (what === "corner") return this.#draft.shapes[Number(index)]?.corners[Number(corner)];
    if (what === "height") return [x, bottom - this.#draft.minHeightPercent / 100];
    return what === "near" || what === "far" ? [0.5, this.#draft.distance![what].y] : undefined;
  }

  #grip(grip: string): SVGElement | undefined {
    return [...this.#svg.querySelectorAll<SVGElement>("g[data-grip]")].find(
      ({ dataset }) => dataset.grip === grip,
    );
  }

  #placeOf({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#svg.getBoundingClientRect();
    return inside([(clientX - left) / width, (clientY - top) / height]);
  }

  #changed(): void {
    this.render();
    this.#onChange();
  }
}

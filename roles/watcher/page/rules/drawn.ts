import { GroundDistance } from "../../../../shared/detect/near/distance.ts";
import type { Point } from "../../../../shared/detect/near/geometry.ts";
import { drawing } from "../elements.ts";
import type { Words } from "../words.ts";
import type { Draft, Shape } from "./draft.ts";

/** The draft as SVG. What can be dragged names itself in `data-grip`. */

export interface Drawn {
  readonly words: Words["rules"];
  /** Size of the drawing in its own units, and units in one pixel of the screen: handles are alike on any screen. */
  readonly width: number;
  readonly height: number;
  readonly pixel: number;
  readonly number: (value: number) => string;
}

/** Half of what a finger hits, in pixels of the screen. */
const TOUCH_PX = 18;
const HANDLE_PX = 7;

/** A polygon or line with its name; with handles when it is selected. */
export function drawShape(shape: Shape, index: number, isSelected: boolean, on: Drawn): SVGElement[] {
  const points = shape.corners.map((corner) => place(corner, on));
  const grip = `shape ${index}`;
  const look = { class: `shape ${shape.kind}`, "data-selected": String(isSelected), "data-grip": grip };
  const path = points.map(([x, y]) => `${x},${y}`).join(" ");
  const [left, top] = [Math.min(...points.map(([x]) => x)), Math.min(...points.map(([, y]) => y))];
  const name = shape.kind === "mask" ? on.words.mask : shape.name;
  const words = text(name, left + 6 * on.pixel, Math.max(18 * on.pixel, top - 6 * on.pixel), on);
  if (shape.kind === "line") {
    return [
      drawing("polyline", { ...look, class: "reach", points: path }),
      drawing("polyline", { ...look, points: path }),
      ...arrows(shape, on),
      words,
      ...(isSelected
        ? points.map((at, i) => handle(at, `corner ${index} ${i}`, cornerWord(i, name, on), on))
        : []),
    ];
  }
  const middles = points.map(([x, y], i): Point => {
    const [nextX, nextY] = points[(i + 1) % points.length]!;
    return [(x + nextX) / 2, (y + nextY) / 2];
  });
  return [
    drawing("polygon", { ...look, points: path }),
    words,
    ...(isSelected
      ? [
          ...middles.map(([x, y], i) =>
            drawing("circle", {
              class: "middle",
              "data-grip": `middle ${index} ${i}`,
              cx: String(x),
              cy: String(y),
              r: String(5 * on.pixel),
            }),
          ),
          ...points.map((at, i) => handle(at, `corner ${index} ${i}`, cornerWord(i, name, on), on)),
        ]
      : []),
  ];
}

/** Corners that were clicked so far, and the way to where the pointer is. */
export function drawUnfinished(
  corners: readonly Point[],
  pointer: Point | undefined,
  on: Drawn,
): SVGElement[] {
  const points = [...corners, ...(pointer === undefined ? [] : [pointer])].map((corner) => place(corner, on));
  return [
    drawing("polyline", { class: "unfinished", points: points.map(([x, y]) => `${x},${y}`).join(" ") }),
    ...corners.map((corner) => {
      const [x, y] = place(corner, on);
      return drawing("circle", {
        class: "dot",
        cx: String(x),
        cy: String(y),
        r: String(HANDLE_PX * on.pixel),
      });
    }),
  ];
}

/** A bar as high as a thing must be, to be held beside one. `foot` is where it stands. */
export function drawHeightBar(draft: Draft, foot: Point, on: Drawn): SVGElement[] {
  const [x, bottom] = place(foot, on);
  const top = bottom - (draft.minHeightPercent / 100) * on.height;
  const cap = 9 * on.pixel;
  const bar = `M${x - cap},${bottom}H${x + cap}M${x},${bottom}V${top}M${x - cap},${top}H${x + cap}`;
  const words = `${on.number(draft.minHeightPercent)}%`;
  return [
    drawing("path", { class: "reach", d: bar, "data-grip": "bar" }),
    drawing("path", { class: "bar", d: bar, "data-grip": "bar" }),
    text(words, x + 12 * on.pixel, Math.max(16 * on.pixel, (top + bottom) / 2), on),
    handle([x, top], "height", on.words.minHeight, on),
  ];
}

/** The rows of the two measured marks, and the one where near ends. */
export function drawDistance(distance: NonNullable<Draft["distance"]>, on: Drawn): SVGElement[] {
  const { near, far, nearMeters } = distance;
  const row = (y: number, look: string, meters: number): SVGElement[] => [
    drawing("path", { class: look, d: `M0,${y * on.height}H${on.width}` }),
    text(`${on.number(meters)} m`, on.width - 64 * on.pixel, y * on.height - 5 * on.pixel, on),
  ];
  const end = new GroundDistance([near, far]).rowOf(nearMeters);
  const grip = (mark: "near" | "far"): SVGElement =>
    handle([on.width / 2, distance[mark].y * on.height], mark, on.words[mark], on);
  return [
    ...(end > 0 && end < 1 ? row(end, "limit", nearMeters) : []),
    ...row(near.y, "mark", near.meters),
    ...row(far.y, "mark", far.meters),
    grip("near"),
    grip("far"),
  ];
}

/** Arrows across a line, from the side where things come from. */
function arrows({ corners, direction }: Shape, on: Drawn): SVGElement[] {
  const [[x1, y1], [x2, y2]] = [place(corners[0]!, on), place(corners[1]!, on)];
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  // To the right of somebody who looks along the line; y grows downward.
  const [rightX, rightY] = [(y1 - y2) / length, (x2 - x1) / length];
  const [midX, midY] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const reach = 26 * on.pixel;
  const head = 9 * on.pixel;
  return (direction === "both" ? [1, -1] : [1]).map((side) => {
    const [dx, dy] = [side * rightX, side * rightY];
    const [tipX, tipY] = [midX + dx * reach, midY + dy * reach];
    const barb = (turn: number): string =>
      `${tipX - head * (dx + turn * dy)},${tipY - head * (dy - turn * dx)}`;
    return drawing("path", {
      class: "arrow",
      d: `M${midX},${midY}L${tipX},${tipY}M${barb(1)}L${tipX},${tipY}L${barb(-1)}`,
    });
  });
}

function cornerWord(corner: number, name: string, { words }: Drawn): string {
  return `${words.corner} ${corner + 1}: ${name}`;
}

/** A dot to drag, or to move with the arrow keys, in a larger invisible one that a finger hits. */
function handle([x, y]: Point, grip: string, label: string, { pixel }: Drawn): SVGElement {
  const at = { cx: String(x), cy: String(y) };
  return drawing(
    "g",
    { class: "handle", tabindex: "0", role: "button", "aria-label": label, "data-grip": grip },
    drawing("circle", { class: "touch", ...at, r: String(TOUCH_PX * pixel) }),
    drawing("circle", { class: "dot", ...at, r: String(HANDLE_PX * pixel) }),
  );
}

function text(words: string, x: number, y: number, { pixel }: Drawn): SVGElement {
  return drawing("text", { x: String(x), y: String(y), "font-size": String(14 * pixel) }, words);
}

function place([x, y]: Point, { width, height }: Drawn): Point {
  return [x * width, y * height];
}

/** Making parts of the page. Text is always text: nothing from outside becomes markup. */

type Attributes = Readonly<Record<string, string>>;

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function drawing<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes,
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The element with this id, which the page is known to have. */
export function byId<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as unknown as T;
}

/** Boxes with their labels over a picture of this size. */
export function drawBoxes(
  over: SVGSVGElement,
  width: number,
  height: number,
  boxes: readonly { readonly box: readonly number[]; readonly label: string }[],
): void {
  over.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const size = Math.max(12, height / 22);
  over.replaceChildren(
    ...boxes.flatMap(({ box: [x1 = 0, y1 = 0, x2 = 0, y2 = 0], label }) => [
      drawing("rect", {
        x: String(x1),
        y: String(y1),
        width: String(Math.max(0, x2 - x1)),
        height: String(Math.max(0, y2 - y1)),
      }),
      drawing(
        "text",
        { x: String(x1 + 2), y: String(Math.max(size, y1 - 4)), "font-size": String(size) },
        label,
      ),
    ]),
  );
}

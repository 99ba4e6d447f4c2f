/** Small helpers to write SVG by hand: colours, gradients, and paths with short numbers. */

/** A colour as `#rrggbb`. */
export type Colour = string;

/** One decimal is a tenth of a drawing's unit: enough, and it keeps the text short. */
export function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** @param hue degrees @param saturation percent @param lightness percent */
export function hsl(hue: number, saturation: number, lightness: number): Colour {
  const s = saturation / 100;
  const l = lightness / 100;
  const reach = s * Math.min(l, 1 - l);
  const channel = (offset: number) => {
    const k = (offset + (((hue % 360) + 360) % 360) / 30) % 12;
    return hex(255 * (l - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** Between two colours: 0 is the first, 1 the second. */
export function mix(from: Colour, to: Colour, share: number): Colour {
  const at = (colour: Colour, channel: number) =>
    Number.parseInt(colour.slice(1 + 2 * channel, 3 + 2 * channel), 16);
  const channels = [0, 1, 2].map((c) => hex(at(from, c) + (at(to, c) - at(from, c)) * share));
  return `#${channels.join("")}`;
}

export function lighter(colour: Colour, share: number): Colour {
  return mix(colour, "#ffffff", share);
}

export function darker(colour: Colour, share: number): Colour {
  return mix(colour, "#000000", share);
}

/** A gradient from top to bottom; use it as `url(#id)`. */
export function vertical(id: string, ...colours: Colour[]): string {
  return `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops(colours)}</linearGradient>`;
}

/** A gradient from left to right. */
export function horizontal(id: string, ...colours: Colour[]): string {
  return `<linearGradient id="${id}" x1="0" y1="0" x2="1" y2="0">${stops(colours)}</linearGradient>`;
}

/** A gradient from a bright spot (in shares of the shape's box) outwards. */
export function radial(id: string, x: number, y: number, radius: number, ...colours: Colour[]): string {
  return `<radialGradient id="${id}" cx="${x}" cy="${y}" r="${radius}">${stops(colours)}</radialGradient>`;
}

function stops(colours: readonly Colour[]): string {
  return colours
    .map((colour, i) => `<stop offset="${n((i / (colours.length - 1)) * 100)}%" stop-color="${colour}"/>`)
    .join("");
}

export function path(d: string, fill: string, more = ""): string {
  return `<path d="${d}" fill="${fill}" ${more}/>`;
}

/** An open line with round ends. */
export function line(d: string, stroke: string, width: number, more = ""): string {
  return `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${n(width)}" stroke-linecap="round" stroke-linejoin="round" ${more}/>`;
}

export function circle(x: number, y: number, radius: number, fill: string, more = ""): string {
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${fill}" ${more}/>`;
}

export function ellipse(x: number, y: number, rx: number, ry: number, fill: string, more = ""): string {
  return `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" fill="${fill}" ${more}/>`;
}

export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  corner = 0,
  more = "",
): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${n(corner)}" fill="${fill}" ${more}/>`;
}

export function group(transform: string, ...content: string[]): string {
  return `<g transform="${transform}">${content.join("")}</g>`;
}

/** A whole document. */
export function svgDocument(
  viewWidth: number,
  viewHeight: number,
  widthPx: number,
  heightPx: number,
  content: string,
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}" viewBox="0 0 ${viewWidth} ${viewHeight}" preserveAspectRatio="none">${content}</svg>`;
}

function hex(value: number): string {
  return Math.max(0, Math.min(255, Math.round(value)))
    .toString(16)
    .padStart(2, "0");
}

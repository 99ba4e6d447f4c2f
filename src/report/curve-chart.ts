import { type Html, html } from "./html.ts";

const WIDTH = 250;
const HEIGHT = 190;
const LEFT = 34;
const BOTTOM = 24;
const TOP = 8;
const RIGHT = 10;
const TICKS = [0, 0.25, 0.5, 0.75, 1] as const;

/** A precision-recall curve as an SVG picture. */
export interface Curve {
  /** Precision at evenly spaced recalls from 0 to 1. */
  readonly precision: Float64Array;
  /** Where the model's own threshold stands on it. */
  readonly threshold: { readonly recall: number; readonly precision: number };
  /** For those who cannot see it. */
  readonly title: string;
}

/** Recall to the right, precision upwards, both 0 to 1; the dot is the model's threshold. */
export function curveChart({ precision, threshold, title }: Curve): Html {
  const points = Array.from(precision, (value, i) => `${x(i / (precision.length - 1))},${y(value)}`);
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"><title>${title}</title>
${TICKS.map(
  (tick) => html`<path class="grid" d="M${x(0)} ${y(tick)}H${x(1)}M${x(tick)} ${y(0)}V${y(1)}"/>
<text x="${LEFT - 5}" y="${y(tick)}" class="left">${tick}</text>
<text x="${x(tick)}" y="${HEIGHT - 8}" class="below">${tick}</text>`,
)}
<path class="area" d="M${x(0)},${y(0)}L${points.join("L")}L${x(1)},${y(0)}Z"/>
<polyline class="curve" points="${points.join(" ")}"/>
<circle cx="${x(threshold.recall)}" cy="${y(threshold.precision)}" r="4.5"/></svg>`;
}

function x(recall: number): number {
  return Number((LEFT + recall * (WIDTH - LEFT - RIGHT)).toFixed(1));
}

function y(precision: number): number {
  return Number((HEIGHT - BOTTOM - precision * (HEIGHT - BOTTOM - TOP)).toFixed(1));
}

import type { History } from "../../shared/nn/history.ts";
import { both, type Html, html } from "./html.ts";

const WIDTH = 520;
const HEIGHT = 220;
const LEFT = 46;
const RIGHT = 22;
const TOP = 10;
const BOTTOM = 26;
const TICKS = 4;
/** Colours that the style has for lines, in turn. */
const COLOURS = 6;

interface Line {
  readonly name: Html;
  readonly points: readonly (readonly [samples: number, value: number])[];
  /** Each point is marked: they are few. */
  readonly marked?: boolean;
}

/** How the training went: the loss and its parts, the score on pictures kept aside, the learning rate; by samples. */
export function historyCharts(history: History): Html {
  const plain = history.filter(({ map50 }) => map50 === undefined);
  if (plain.length < 2) return html``;
  const parts = [...new Set(plain.flatMap(({ loss }) => Object.keys(loss)))];
  const total = (loss: Readonly<Record<string, number>>): number =>
    Object.values(loss).reduce((sum, part) => sum + part, 0);
  const losses: Line[] = parts.map((name) => ({
    name: html`${name}`,
    points: plain.map(({ samples, loss }) => [samples, loss[name] ?? 0]),
  }));
  if (parts.length > 1) {
    losses.unshift({
      name: both("all", "total"),
      points: plain.map(({ samples, loss }) => [samples, total(loss)]),
    });
  }
  const scores = history.flatMap(({ samples, map50 }) =>
    map50 === undefined ? [] : [[samples, map50] as const],
  );
  const rates = plain.map(({ samples, rate }) => [samples, rate] as const);
  const samplesMax = history.at(-1)!.samples;
  const cards = [
    card(both("loss", "pérdida"), losses, samplesMax),
    ...(scores.length === 0
      ? []
      : [
          card(
            both("mAP50 on pictures kept aside", "mAP50 en imágenes apartadas"),
            [{ name: html`mAP50`, points: scores, marked: true }],
            samplesMax,
            1,
          ),
        ]),
    card(
      both("learning rate", "tasa de aprendizaje"),
      [{ name: both("rate", "tasa"), points: rates }],
      samplesMax,
    ),
  ];
  return html`<h2>${both("How the training went", "Cómo fue el entrenamiento")}</h2>
<p>${both(
    "To the right, training pictures seen, repeats counted.",
    "Hacia la derecha, imágenes de entrenamiento vistas, contando repeticiones.",
  )}</p>
<div class="cards history">${cards}</div>`;
}

function card(title: Html, lines: readonly Line[], samplesMax: number, valueMax?: number): Html {
  const top = valueMax ?? niceTop(upper(lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (samples: number): number => round(LEFT + (samples / samplesMax) * (WIDTH - LEFT - RIGHT));
  const y = (value: number): number =>
    round(HEIGHT - BOTTOM - (Math.min(value, top) / top) * (HEIGHT - BOTTOM - TOP));
  const ticks = Array.from({ length: TICKS + 1 }, (_, i) => i / TICKS);
  const grid = ticks.map(
    (tick) => html`<path class="grid" d="M${x(0)} ${y(tick * top)}H${x(samplesMax)}"/>
<text x="${LEFT - 6}" y="${y(tick * top)}" class="left">${short(tick * top)}</text>
<text x="${x(tick * samplesMax)}" y="${HEIGHT - 8}" class="below">${short(Math.round(tick * samplesMax))}</text>`,
  );
  const drawn = lines.map(({ points, marked }, i) => {
    const line = points.map(([samples, value]) => `${x(samples)},${y(value)}`);
    const marks = marked === true ? points.map(([samples, value]) => dot(x(samples), y(value))) : "";
    return html`<polyline class="line colour${i % COLOURS}" points="${line.join(" ")}"/>${marks}`;
  });
  const legend =
    lines.length < 2
      ? ""
      : html`<div class="legend">${lines.map(({ name }, i) => html`<span class="colour${i % COLOURS}">${name}</span>`)}</div>`;
  return html`<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${grid}${drawn}</svg>${legend}</figure>`;
}

function dot(x: number, y: number): Html {
  return html`<circle class="mark" cx="${x}" cy="${y}" r="3"/>`;
}

/** Nearly the largest value: the first rounds of a training must not press the rest to the floor. */
function upper(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  return sorted[Math.floor(0.97 * (sorted.length - 1))] ?? 1;
}

/** The next number above of the form 1, 2, 2.5 or 5 times a power of ten. */
function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}

function short(value: number): string {
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))}k`;
  return value !== 0 && value < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

import type { Random } from "../../../base/random.ts";
import type { Art } from "./art.ts";
import { type Colour, circle, darker, ellipse, group, hsl, lighter, line, path } from "./svg.ts";

interface Plumage {
  readonly body: Colour;
  readonly wing: Colour;
  readonly tail: Colour;
  readonly breast: Colour;
  readonly beak: Colour;
  readonly crest: boolean;
}

function plumage(random: Random): Plumage {
  const [body, wing, tail, breast] = random.pick([
    ["#d8282f", "#2467c4", "#c9262c", "#e8483f"],
    ["#1f78d1", "#1b5fae", "#1d6fc4", "#f4c430"],
    ["#3fa34a", "#2b7d3a", "#2f8f45", "#8fcf4f"],
    ["#2f9e57", "#d4382e", "#2a6fc0", "#f0c23a"],
    ["#f2f0ea", "#e4e1d8", "#f6f3ea", "#fff6c9"],
    ["#9aa3ab", "#7d868f", "#c8322f", "#b8c0c6"],
    [hsl(random.between(30, 50), 90, 55), hsl(random.between(120, 150), 55, 38), "#2f8f45", "#f6d860"],
  ] as const);
  return { body, wing, tail, breast, beak: random.pick(["#2c2a2b", "#e8c987"]), crest: random.chance(0.3) };
}

function head(x: number, y: number, { body, breast, beak, crest }: Plumage): string {
  return [
    crest
      ? path(
          `M${x - 8},${y - 20} C${x - 24},${y - 44} ${x - 30},${y - 40} ${x - 34},${y - 46} C${x - 34},${y - 24} ${x - 22},${y - 10} ${x - 6},${y - 6} Z`,
          breast,
        )
      : "",
    circle(x, y, 26, body),
    ellipse(x + 9, y - 1, 14, 12, lighter(body, 0.75)),
    line(`M${x},${y + 3} h14 M${x + 2},${y + 7} h10`, darker(body, 0.2), 1.6),
    circle(x + 8, y - 5, 5.5, "#f9e9b0"),
    circle(x + 8.6, y - 5, 3.4, "#151314"),
    path(
      `M${x + 16},${y - 16} C${x + 40},${y - 18} ${x + 48},${y + 2} ${x + 38},${y + 22} C${x + 34},${y + 12} ${x + 26},${y + 8} ${x + 18},${y + 8} Z`,
      beak,
    ),
    path(
      `M${x + 17},${y + 9} C${x + 24},${y + 9} ${x + 30},${y + 13} ${x + 30},${y + 20} C${x + 22},${y + 22} ${x + 16},${y + 18} ${x + 14},${y + 12} Z`,
      darker(beak, 0.35),
    ),
    line(
      `M${x + 22},${y - 11} C${x + 34},${y - 10} ${x + 39},${y - 1} ${x + 38},${y + 10}`,
      lighter(beak, 0.45),
      2.5,
      `opacity="0.6"`,
    ),
  ].join("");
}

/** On a perch, nodding. */
export const perchedParrot: Art = {
  name: "parrot",
  width: 200,
  height: 232,
  heightMetres: 0.28,
  motion: "stands",
  cycleMetres: 0,
  draw(random, phase) {
    const feathers = plumage(random);
    const { body, wing, tail, breast } = feathers;
    const nod = Math.sin(phase * 2 * Math.PI) * 4;
    return group(
      "translate(-30 12)",
      path("M112,120 C100,160 92,190 84,218 L104,218 C116,190 128,166 142,140 Z", tail),
      path("M124,128 C116,164 112,190 108,214 L122,212 C130,190 138,166 146,142 Z", lighter(tail, 0.25)),
      path(
        "M104,92 C100,60 128,38 152,42 C178,50 182,96 170,130 C160,156 136,168 120,156 C106,144 106,116 104,92 Z",
        body,
      ),
      path("M150,72 C176,84 176,120 162,144 C152,158 140,158 136,150 C146,130 154,100 150,72 Z", breast),
      path("M108,84 C126,74 146,84 146,108 C144,140 124,170 100,186 C96,160 98,110 108,84 Z", wing),
      line("M112,112 q14,2 26,-4 M108,132 q14,2 24,-4 M104,152 q10,2 18,-4", lighter(wing, 0.35), 3),
      path("M110,84 C124,76 138,82 144,96 C132,104 118,104 108,98 Z", lighter(wing, 0.25)),
      line("M136,160 v16 M154,156 v18", "#6c6460", 7),
      line("M128,178 h18 M146,176 h18", "#6c6460", 7),
      head(150, 42 + Math.round(nod), feathers),
    );
  },
};

/** In the air, beating its wings. */
export const parrot: Art = {
  name: "parrot",
  width: 260,
  height: 220,
  heightMetres: 1.15,
  motion: "flies",
  cycleMetres: 1.1,
  draw(random, phase) {
    const coat = plumage(random);
    const { body, wing, tail, breast } = coat;
    const beat = Math.sin(phase * 2 * Math.PI);
    const feathers = (near: boolean) => {
      const colour = near ? wing : darker(wing, 0.3);
      const base = near ? "translate(128 112)" : "translate(142 106)";
      const spread = 0.35 + 0.65 * Math.abs(beat);
      return group(
        `${base} scale(1 ${(beat >= 0 ? -spread : 0.8 * spread).toFixed(3)}) rotate(${near ? 0 : 12})`,
        path(
          "M-34,0 C-52,30 -74,64 -70,100 C-54,92 -48,84 -42,78 C-40,92 -32,100 -24,104 C-20,90 -16,84 -12,76 C-4,84 4,86 12,84 C24,60 34,28 34,0 Z",
          colour,
        ),
        path("M-34,0 C-44,22 -54,40 -54,56 C-30,50 6,46 22,40 C30,24 34,10 34,0 Z", lighter(colour, 0.22)),
        path(
          "M-32,0 C-36,12 -40,20 -40,28 C-16,24 12,22 28,18 L34,0 Z",
          near ? breast : darker(breast, 0.25),
        ),
        line("M-54,60 L-62,92 M-40,54 L-42,76 M-22,50 L-22,88 M-2,46 L4,78", darker(colour, 0.25), 2.5),
      );
    };
    return [
      feathers(false),
      path("M96,118 C60,118 26,128 4,146 L10,154 C44,150 76,146 104,140 Z", tail),
      path("M98,126 C66,134 40,150 22,170 L32,174 C62,164 86,152 108,142 Z", lighter(tail, 0.25)),
      path(
        "M84,126 C88,100 128,88 162,88 C188,90 202,104 196,122 C182,146 150,152 122,148 C100,146 84,140 84,126 Z",
        body,
      ),
      path("M110,140 C136,146 168,140 190,118 C192,134 172,150 144,152 C130,152 116,148 110,140 Z", breast),
      line("M120,148 q-8,8 -16,8 M132,150 q-8,9 -18,10", "#6c6460", 5),
      head(194, 96, coat),
      feathers(true),
    ].join("");
  },
};

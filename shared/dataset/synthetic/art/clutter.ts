import type { Random } from "../../../base/random.ts";
import type { Art } from "./art.ts";
import {
  circle,
  darker,
  ellipse,
  group,
  hsl,
  lighter,
  line,
  n,
  path,
  radial,
  rect,
  vertical,
} from "./svg.ts";

function still(
  name: string,
  width: number,
  height: number,
  heightMetres: number,
  draw: (random: Random) => string,
): Art {
  return { name, width, height, heightMetres, motion: "stands", cycleMetres: 0, draw };
}

const bush = still("bush", 220, 150, 1.1, (random) => {
  const colour = hsl(random.between(80, 140), random.between(30, 55), random.between(24, 38));
  const flowers = random.chance(0.35) ? hsl(random.between(300, 420), 75, 65) : "";
  const blobs: string[] = [];
  for (let i = 0; i < 34; i++) {
    const x = random.between(36, 184);
    const y = 150 - random.between(14, 110) * Math.sin(((x - 10) / 200) * Math.PI);
    blobs.push(
      circle(
        x,
        y,
        random.between(14, 30),
        i < 12 ? darker(colour, 0.3) : lighter(colour, random.between(-0, 0.22)),
      ),
    );
  }
  for (let i = 0; flowers !== "" && i < 16; i++)
    blobs.push(circle(random.between(30, 190), random.between(60, 140), 5, flowers));
  return rect(20, 128, 180, 22, darker(colour, 0.4), 10) + blobs.join("");
});

const crate = still("crate", 160, 130, 0.8, (random) => {
  const wood = random.pick(["#b98a52", "#a3764a", "#cfa468", hsl(random.between(0, 360), 40, 48)]);
  const slats = [6, 36, 66, 96].map((y) =>
    rect(
      4,
      y,
      152,
      27,
      lighter(wood, random.between(0, 0.15)),
      2,
      `stroke="${darker(wood, 0.4)}" stroke-width="2"`,
    ),
  );
  return `${rect(2, 2, 156, 127, darker(wood, 0.5), 3)}${slats.join("")}${rect(8, 2, 16, 127, darker(wood, 0.15), 2)}${rect(136, 2, 16, 127, darker(wood, 0.15), 2)}`;
});

const carton = still("carton", 170, 130, 0.6, (random) => {
  const card = random.pick(["#c8a06c", "#b98f5c", hsl(random.between(0, 360), 55, 52), "#dedbd3"]);
  return [
    path("M4,34 L120,40 L120,129 L4,120 Z", card),
    path("M120,40 L166,26 L166,112 L120,129 Z", darker(card, 0.28)),
    path("M4,34 L56,16 L166,26 L120,40 Z", lighter(card, 0.25)),
    path("M54,37 L72,38 L72,70 L54,69 Z", lighter(card, 0.45)),
    random.chance(0.5) ? line("M20,100 l20,2 M20,108 l34,3", darker(card, 0.5), 3) : "",
  ].join("");
});

const post = still("post", 60, 330, 3.4, (random) => {
  const colour = random.pick(["#5a5f66", "#3c4046", "#7a5b3c", "#8b9299"]);
  const head = random.below(3);
  return [
    rect(24, 40, 12, 290, colour, 3),
    rect(18, 306, 24, 24, darker(colour, 0.3), 3),
    head === 0
      ? circle(30, 30, 24, "#c62b2b") + circle(30, 30, 17, "#f4f4f2") + rect(16, 26, 28, 8, "#22262b", 2)
      : "",
    head === 1
      ? rect(6, 4, 48, 48, "#2563ae", 6) + path("M20,44 V14 h12 q10,0 10,9 q0,9 -10,9 h-6 v12 Z", "#f5f7f9")
      : "",
    head === 2
      ? path("M30,2 L58,50 L2,50 Z", "#f2c230", `stroke="#22262b" stroke-width="4"`) +
        rect(27, 18, 6, 16, "#22262b")
      : "",
  ].join("");
});

const bin = still("bin", 90, 140, 1.0, (random) => {
  const colour = random.pick(["#3f7a4c", "#4a5058", "#2f5f9e", "#b5542c"]);
  return [
    path("M8,30 L82,30 L74,138 L16,138 Z", colour),
    line("M26,40 L30,130 M45,40 V130 M64,40 L60,130", darker(colour, 0.3), 4),
    rect(2, 14, 86, 18, darker(colour, 0.25), 6),
    ellipse(45, 15, 34, 8, darker(colour, 0.5)),
  ].join("");
});

const cone = still("cone", 90, 120, 0.75, () =>
  [
    rect(2, 106, 86, 13, "#c2441c", 3),
    path("M38,4 L52,4 L74,108 L16,108 Z", "#ee6a24"),
    path("M32,34 L58,34 L63,58 L27,58 Z", "#f8f6f1"),
    path("M22,80 L68,80 L72,98 L18,98 Z", "#f8f6f1"),
  ].join(""),
);

/** Balls in the colours of fruit: what a lazy detector would call an orange or an apple. */
const ball = still("ball", 120, 120, 0.26, (random) => {
  const colour = random.pick([
    hsl(26, 85, 50),
    hsl(0, 75, 45),
    hsl(52, 90, 55),
    hsl(210, 75, 48),
    "#f1f1ee",
    hsl(110, 50, 45),
  ]);
  const kind = random.below(4);
  const second = random.pick(["#ffffff", "#2a2b2e", hsl(random.between(0, 360), 75, 50)]);
  const turn = random.between(0, 360);
  return [
    `<defs>${radial("s", 0.36, 0.3, 0.8, lighter(colour, 0.35), colour, darker(colour, 0.4))}<clipPath id="c"><circle cx="60" cy="62" r="56"/></clipPath></defs>`,
    circle(60, 62, 56, "url(#s)"),
    `<g clip-path="url(#c)">`,
    group(
      `rotate(${n(turn)} 60 62)`,
      kind === 0
        ? line("M4,62 H116 M60,6 V118 M20,14 Q60,62 20,110 M100,14 Q60,62 100,110", "#26221f", 3.5)
        : "",
      kind === 1 ? rect(0, 48, 120, 26, second) : "",
      kind === 2
        ? [0, 72, 144, 216, 288]
            .map((a) =>
              group(
                `rotate(${a} 60 62)`,
                path("M60,62 L40,-4 L80,-4 Z", a % 144 === 0 ? second : colour, `opacity="0.9"`),
              ),
            )
            .join("")
        : "",
      kind === 3
        ? [
            [60, 62],
            [24, 36],
            [98, 40],
            [36, 102],
            [88, 104],
          ]
            .map(([x, y]) => circle(x!, y!, 14, second))
            .join("")
        : "",
    ),
    `</g>`,
    ellipse(42, 36, 14, 8, "#ffffff", `opacity="0.35" transform="rotate(-30 42 36)"`),
  ].join("");
});

const pot = still("pot", 210, 200, 0.7, (random) => {
  const clay = random.pick(["#b8623a", "#d8d4cb", "#4f6d7a", "#8a4b34"]);
  const leaf = hsl(random.between(85, 150), random.between(35, 55), random.between(28, 40));
  const leaves = Array.from({ length: 13 }, (_, i) => {
    const angle = -70 + (i / 12) * 140 + random.between(-8, 8);
    const length = random.between(60, 108);
    return group(
      `translate(105 118) rotate(${n(angle)})`,
      path(
        `M0,0 C-16,${n(-length * 0.4)} -10,${n(-length * 0.8)} 0,${n(-length)} C10,${n(-length * 0.8)} 16,${n(-length * 0.4)} 0,0 Z`,
        i % 2 === 0 ? leaf : darker(leaf, 0.22),
      ),
    );
  });
  return `${leaves.join("")}${path("M64,116 H146 L134,198 H76 Z", clay)}${rect(58, 106, 94, 20, lighter(clay, 0.12), 4)}${path("M64,126 L80,126 L88,198 L76,198 Z", "#000", `opacity="0.15"`)}`;
});

const bench = still("bench", 260, 130, 0.9, (random) => {
  const wood = random.pick(["#9a6a3c", "#7d5430", "#5f7f58"]);
  return [
    line("M40,66 V128 M220,66 V128 M40,40 V70 M220,40 V70", "#34373b", 9),
    [10, 28, 46].map((y) => rect(10, y, 240, 13, wood, 3)).join(""),
    rect(4, 68, 252, 14, lighter(wood, 0.15), 3),
    rect(4, 84, 252, 8, darker(wood, 0.3), 3),
  ].join("");
});

const hydrant = still("hydrant", 80, 130, 0.85, (random) => {
  const colour = random.pick(["#c4302b", "#d9a521", "#2e66a8"]);
  return [
    rect(12, 116, 56, 13, darker(colour, 0.35), 3),
    rect(22, 44, 36, 76, colour, 4),
    path("M18,46 C18,20 30,10 40,10 C50,10 62,20 62,46 Z", lighter(colour, 0.1)),
    circle(40, 72, 13, darker(colour, 0.3)),
    rect(6, 62, 16, 16, darker(colour, 0.15), 3),
    rect(58, 62, 16, 16, darker(colour, 0.15), 3),
    rect(34, 4, 12, 8, darker(colour, 0.3), 2),
    line("M28,50 V112", lighter(colour, 0.5), 4, `opacity="0.5"`),
  ].join("");
});

/** Shapes of no meaning in strong colours, so that colour alone tells nothing. */
const shape = still("shape", 140, 120, 0.5, (random) => {
  const colour = hsl(random.between(0, 360), random.between(50, 90), random.between(40, 60));
  const body = random.pick([
    "M10,110 L70,8 L130,110 Z",
    "M6,60 C6,10 60,24 76,10 C120,0 138,60 128,92 C110,130 60,108 40,116 C10,118 6,90 6,60 Z",
    "M8,118 V40 Q70,-30 132,40 V118 Z",
    "M4,118 C20,60 60,20 136,10 C120,50 90,80 76,118 Z",
    "M30,4 H110 L136,60 L110,118 H30 L4,60 Z",
  ]);
  return `<defs>${vertical("f", lighter(colour, 0.25), colour, darker(colour, 0.35))}</defs>${path(body, "url(#f)", `stroke="${darker(colour, 0.45)}" stroke-width="3"`)}${random.chance(0.5) ? circle(70, 74, 18, lighter(colour, 0.55), `opacity="0.7"`) : ""}`;
});

const book = still("book", 170, 70, 0.09, (random) => {
  const layers: string[] = [];
  const count = 2 + random.below(3);
  const thick = 66 / count;
  for (let i = 0; i < count; i++) {
    const colour = hsl(random.between(0, 360), random.between(35, 70), random.between(30, 55));
    const x = random.between(0, 16);
    const y = 68 - thick * (i + 1);
    layers.push(
      rect(x, y, 150, thick, colour, 3) +
        rect(x + 6, y + 3, 146, thick - 6, "#efe8d8", 1) +
        rect(x, y, 12, thick, darker(colour, 0.2), 3),
    );
  }
  return layers.join("");
});

const bowl = still("bowl", 180, 80, 0.12, (random) => {
  const colour = hsl(random.between(0, 360), random.between(10, 60), random.between(45, 85));
  return `${path("M4,16 C12,64 50,78 90,78 C130,78 168,64 176,16 Z", colour)}${ellipse(90, 16, 86, 12, lighter(colour, 0.3))}${ellipse(90, 18, 76, 8, darker(colour, 0.4))}${line("M22,40 C60,62 120,62 158,40", lighter(colour, 0.5), 4, `opacity="0.6"`)}`;
});

/** What stands about in a street or a park. */
export const OUTDOOR_CLUTTER: readonly Art[] = [
  bush,
  crate,
  post,
  bin,
  cone,
  bench,
  hydrant,
  pot,
  ball,
  shape,
  carton,
];

/** What lies on tables and shelves. */
export const INDOOR_CLUTTER: readonly Art[] = [book, bowl, ball, pot, carton, shape, crate];

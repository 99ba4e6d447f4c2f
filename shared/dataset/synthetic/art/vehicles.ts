import type { Random } from "../../../base/random.ts";
import type { Art } from "./art.ts";
import {
  type Colour,
  circle,
  darker,
  ellipse,
  hsl,
  lighter,
  line,
  mix,
  path,
  rect,
  vertical,
} from "./svg.ts";
import { wheel } from "./wheels.ts";

/** Paint as seen on roads: half of it grey, white or black, the rest strong colours. */
function paint(random: Random): Colour {
  const shift = random.between(-6, 6);
  return random.pick([
    () => hsl(4 + shift, random.between(65, 85), random.between(40, 50)),
    () => hsl(214 + 3 * shift, random.between(50, 80), random.between(32, 52)),
    () => hsl(145 + 4 * shift, random.between(35, 60), random.between(28, 42)),
    () => hsl(46 + shift, random.between(80, 95), random.between(50, 58)),
    () => hsl(24 + shift, random.between(75, 90), random.between(48, 54)),
    () => hsl(190 + 2 * shift, random.between(45, 70), random.between(40, 55)),
    () => hsl(330 + 3 * shift, random.between(40, 70), random.between(38, 55)),
    () => hsl(220, random.between(4, 10), random.between(86, 94)),
    () => hsl(220, random.between(3, 9), random.between(60, 74)),
    () => hsl(220, random.between(5, 12), random.between(20, 34)),
  ])();
}

const GLASS = ["#3b5266", "#7fa3b8"] as const;

/** Body lines of a car between its bumpers: the roof and the windows are what tells the kinds apart. */
interface CarBody {
  readonly outline: string;
  readonly windows: readonly string[];
  readonly doors: readonly string[];
  readonly handles: readonly (readonly [number, number])[];
}

const CAR_BODIES: readonly CarBody[] = [
  {
    // hatchback
    outline:
      "M14,122 C10,116 10,98 14,86 C20,74 34,58 56,42 C72,31 96,27 140,26 C200,25 226,30 250,44 L300,76 C340,80 384,86 410,98 C424,105 428,112 427,124 L424,132 L22,132 C16,130 15,126 14,122 Z",
    windows: [
      "M44,76 C50,64 60,52 72,45 C84,39 106,36 140,36 L144,36 L144,78 L46,80 Z",
      "M156,36 C198,36 220,40 238,51 L276,76 L270,79 L156,78 Z",
    ],
    doors: ["M150,30 L150,126", "M276,78 C280,96 276,114 268,126", "M62,82 C76,92 84,104 90,116"],
    handles: [
      [126, 92],
      [240, 91],
    ],
  },
  {
    // sedan
    outline:
      "M12,120 C8,112 9,98 14,88 C24,80 52,76 84,73 C104,54 124,38 146,33 C180,27 220,27 246,34 C268,42 290,60 308,76 C348,79 392,86 414,98 C427,105 430,114 428,124 L424,132 L20,132 C15,129 13,125 12,120 Z",
    windows: [
      "M104,75 C118,60 132,48 150,43 C162,40 176,39 188,39 L190,76 Z",
      "M200,39 C216,39 230,41 242,46 C256,53 270,64 282,76 L202,76 Z",
    ],
    doors: ["M195,34 L197,126", "M286,78 C290,98 286,114 278,126", "M108,78 C104,92 112,106 120,116"],
    handles: [
      [172, 89],
      [262, 89],
    ],
  },
  {
    // sport utility
    outline:
      "M14,118 C10,110 11,84 14,72 C18,52 24,34 40,24 C58,16 110,14 160,15 C210,15 236,20 252,32 L292,66 C340,70 390,76 412,90 C426,98 429,106 428,120 L424,130 L20,130 C16,127 15,123 14,118 Z",
    windows: [
      "M34,64 C38,50 42,38 52,32 C60,27 84,26 92,26 L94,66 Z",
      "M104,26 L168,26 L170,66 L106,66 Z",
      "M180,26 C214,26 228,30 240,40 L270,66 L182,66 Z",
    ],
    doors: ["M99,20 L99,110", "M175,20 L176,122", "M272,70 C276,92 272,108 266,122"],
    handles: [
      [156, 80],
      [246, 80],
    ],
  },
  {
    // estate
    outline:
      "M12,120 C8,112 9,92 12,78 C16,62 24,44 36,36 C56,30 120,29 170,29 C216,29 236,32 254,42 L302,74 C344,78 390,84 412,97 C426,104 429,112 428,123 L424,131 L20,131 C15,128 13,124 12,120 Z",
    windows: [
      "M32,72 C36,58 42,48 50,43 C58,40 84,39 94,39 L96,74 Z",
      "M106,39 L174,39 L176,75 L108,74 Z",
      "M186,39 C218,39 230,42 244,51 L278,75 L188,75 Z",
    ],
    doors: ["M101,34 L101,110", "M180,34 L181,126", "M280,78 C284,98 280,114 272,126"],
    handles: [
      [158, 88],
      [254, 88],
    ],
  },
];

export const car: Art = {
  name: "car",
  width: 440,
  height: 160,
  heightMetres: 1.6,
  motion: "drives",
  cycleMetres: 0.42,
  headlamp: [410, 104],
  draw(random, phase) {
    const body = random.pick(CAR_BODIES);
    const colour = paint(random);
    const twoTone = random.chance(0.15);
    const taxi = random.chance(0.1);
    const rails = random.chance(0.3);
    const rim = random.pick(["#d5d9de", "#aeb4bb", "#868c94"]);
    const tint = random.between(0, 0.35);
    const glass = [darker(GLASS[0], tint), darker(GLASS[1], tint)] as const;
    const rearX = 92 + random.between(-3, 3);
    const frontX = 346 + random.between(-3, 3);
    const radius = random.between(32, 36);
    const axleY = 158 - radius;
    const arch = (x: number) =>
      path(
        `M${x - radius - 7},134 C${x - radius - 7},${axleY - radius - 14} ${x + radius + 7},${axleY - radius - 14} ${x + radius + 7},134 Z`,
        "#17181b",
      );
    return [
      `<defs>${vertical("paint", lighter(colour, 0.32), colour, darker(colour, 0.12), darker(colour, 0.42))}${vertical("glass", ...glass)}<clipPath id="body"><path d="${body.outline}"/></clipPath></defs>`,
      ellipse(220, 150, 190, 8, "#101114"),
      taxi ? rect(168, 8, 56, 20, "#f6d34a", 5) + rect(176, 13, 40, 8, "#5b4708", 2) : "",
      rails ? line("M96,24 C150,16 200,16 240,30", "#3a3c41", 4) : "",
      path(body.outline, "url(#paint)"),
      `<g clip-path="url(#body)">`,
      twoTone ? rect(0, 0, 440, 78, lighter(colour, 0.75)) : "",
      taxi ? checks(20, 98, 400) : "",
      rect(0, 119, 440, 16, darker(colour, 0.62)),
      line("M8,98 C120,90 300,90 432,104", lighter(colour, 0.5), 2.5, `opacity="0.65"`),
      `</g>`,
      body.windows
        .map((d) => path(d, "url(#glass)", `stroke="#17191d" stroke-width="3.5" stroke-linejoin="round"`))
        .join(""),
      path("M206,72 L228,44 L240,48 L222,72 Z", "#ffffff", `opacity="0.22"`),
      path("M120,70 L132,44 L140,44 L132,70 Z", "#ffffff", `opacity="0.16"`),
      body.doors.map((d) => line(d, darker(colour, 0.5), 1.6, `opacity="0.7"`)).join(""),
      body.handles.map(([x, y]) => rect(x - 11, y, 22, 4.5, darker(colour, 0.55), 2)).join(""),
      path("M272,72 L290,64 C296,64 296,76 290,78 L276,78 Z", darker(colour, 0.25)),
      path(
        "M394,95 C408,97 420,102 424,111 L404,110 C396,106 392,100 394,95 Z",
        "#fff6d2",
        `stroke="#8b8f95" stroke-width="1.5"`,
      ),
      path("M12,94 C20,94 28,96 32,101 L30,110 L11,110 Z", "#c62026", `stroke="#5c0d10" stroke-width="1.5"`),
      rect(8, 117, 30, 9, "#2c2e33", 4),
      rect(398, 117, 33, 9, "#2c2e33", 4),
      arch(rearX),
      arch(frontX),
      wheel(rearX, axleY, radius, phase, rim),
      wheel(frontX, axleY, radius, phase, rim),
    ].join("");
  },
};

function checks(x: number, y: number, width: number): string {
  const squares: string[] = [];
  for (let i = 0; i * 10 < width; i++) squares.push(rect(x + i * 10, y + (i % 2) * 7, 10, 7, "#16171a"));
  return squares.join("");
}

export const bus: Art = {
  name: "bus",
  width: 566,
  height: 190,
  heightMetres: 3.1,
  motion: "drives",
  cycleMetres: 0.6,
  headlamp: [548, 143],
  draw(random, phase) {
    const scheme = random.pick([
      [hsl(random.between(0, 10), 72, 44), "#f2efe6"],
      [hsl(random.between(45, 52), 92, 54), "#26282c"],
      [hsl(random.between(205, 222), 60, 42), "#f4f6f8"],
      [hsl(random.between(120, 150), 48, 36), "#f3e9c6"],
      ["#eef0f2", hsl(random.between(0, 360), 70, 45)],
      [hsl(random.between(20, 30), 88, 52), "#fbf4e8"],
      [hsl(random.between(265, 300), 38, 42), "#f1ecf5"],
    ] as const);
    const [colour, accent] = scheme;
    const double = random.chance(0.3);
    const stripe = random.below(3);
    const blind = random.pick(["#ffb43a", "#ffe27a", "#9cf08a"]);
    const panes = 5 + random.below(2);
    const top = double ? 4 : 30;
    const glass = random.pick([
      ["#2f4152", "#86a9bd"],
      ["#28323c", "#5c7a8c"],
      ["#40576a", "#b2cfdd"],
    ] as const);
    const wheelY = 162;
    const shell = `M8,172 L8,${top + 22} C8,${top + 6} 14,${top} 30,${top} L520,${top} C540,${top} 549,${top + 8} 551,${top + 30} L555,120 L555,166 C555,170 553,172 549,172 Z`;
    const row = (y: number, height: number, count: number, from: number, to: number) => {
      const step = (to - from) / count;
      return Array.from({ length: count }, (_, i) => {
        const x = from + i * step;
        return (
          rect(x, y, step - 6, height, "url(#glass)", 5) +
          path(
            `M${x + 10},${y + height} L${x + 26},${y} L${x + 38},${y} L${x + 22},${y + height} Z`,
            "#fff",
            `opacity="0.14"`,
          )
        );
      }).join("");
    };
    const windowTop = double ? 96 : 54;
    const windowHeight = double ? 36 : 48;
    const door = (x: number) =>
      rect(x, windowTop - 2, 44, 170 - windowTop, darker(colour, 0.55), 4) +
      rect(x + 4, windowTop + 3, 16, 158 - windowTop, "url(#glass)", 3) +
      rect(x + 24, windowTop + 3, 16, 158 - windowTop, "url(#glass)", 3);
    return [
      `<defs>${vertical("paint", lighter(colour, 0.25), colour, darker(colour, 0.06), darker(colour, 0.28))}${vertical("glass", ...glass)}<clipPath id="shell"><path d="${shell}"/></clipPath></defs>`,
      ellipse(280, 180, 255, 7, "#101114"),
      path(shell, "url(#paint)"),
      `<g clip-path="url(#shell)">`,
      stripe === 0 ? rect(0, 134, 560, 12, accent) : "",
      stripe === 1
        ? path(
            "M0,172 L0,150 C200,150 260,112 330,108 L560,108 L560,124 L350,124 C270,128 220,172 150,172 Z",
            accent,
          )
        : "",
      stripe === 2 ? rect(0, top, 560, double ? 14 : 16, accent) : "",
      rect(0, 160, 560, 14, darker(colour, 0.6)),
      `</g>`,
      double ? row(26, 40, panes + 1, 20, 520) : "",
      double ? path("M524,26 L538,26 C544,36 546,52 547,66 L524,66 Z", "url(#glass)") : "",
      row(windowTop, windowHeight, panes, 22, 438),
      door(448),
      random.chance(0.5) ? door(226) : "",
      path(
        `M502,${windowTop - 4} L541,${windowTop - 4} C547,${windowTop + 8} 549,${windowTop + 28} 550,${windowTop + windowHeight + 12} L502,${windowTop + windowHeight + 12} Z`,
        "url(#glass)",
        `stroke="#1b1d20" stroke-width="2.5"`,
      ),
      rect(330, double ? 72 : 35, 104, 15, "#141518", 3),
      line(double ? "M338,80 h30 M376,80 h22 M406,80 h20" : "M338,43 h30 M376,43 h22 M406,43 h20", blind, 5),
      path(
        "M542,136 C550,136 554,140 555,148 L542,150 C536,148 536,138 542,136 Z",
        "#fff4cc",
        `stroke="#7a7d82" stroke-width="1.5"`,
      ),
      rect(7, 122, 8, 22, "#c5242a", 3),
      line(
        `M546,${windowTop} C556,${windowTop - 4} 558,${windowTop + 4} 556,${windowTop + 22}`,
        "#1c1d20",
        5,
      ),
      ...[112, 420].map(
        (x) =>
          path(`M${x - 36},172 C${x - 36},122 ${x + 36},122 ${x + 36},172 Z`, "#17181b") +
          wheel(x, wheelY, 27, phase, mix("#c9ced4", colour, 0.1), 6),
      ),
    ].join("");
  },
};

export const truck: Art = {
  name: "truck",
  width: 520,
  height: 210,
  heightMetres: 3.4,
  motion: "drives",
  cycleMetres: 0.62,
  headlamp: [504, 137],
  draw(random, phase) {
    const cab = paint(random);
    const load = random.below(3);
    const box = random.pick(["#eceef0", "#d9dde1", paint(random), hsl(random.between(0, 360), 45, 60)]);
    const logo = hsl(random.between(0, 360), 65, 48);
    const logoKind = random.below(3);
    const glass = ["#30434f", "#9dbdcc"] as const;
    const cargo = [
      () =>
        [
          rect(8, 10, 340, 144, "url(#box)", 5, `stroke="${darker(box, 0.35)}" stroke-width="3"`),
          Array.from({ length: 11 }, (_, i) => line(`M${36 + i * 28},16 V148`, darker(box, 0.16), 1.6)).join(
            "",
          ),
          logoKind === 0
            ? circle(178, 80, 40, logo) + path("M150,92 L178,48 L206,92 Z", lighter(logo, 0.8))
            : "",
          logoKind === 1 ? path("M60,100 C120,40 220,130 300,60 L300,84 C220,150 120,66 60,122 Z", logo) : "",
          logoKind === 2 ? rect(50, 56, 250, 18, logo, 4) + rect(50, 84, 150, 14, darker(logo, 0.3), 4) : "",
        ].join(""),
      () =>
        [
          path(
            "M10,58 L346,58 L330,150 L30,150 Z",
            "url(#box)",
            `stroke="${darker(box, 0.4)}" stroke-width="3"`,
          ),
          path("M20,58 C60,18 120,40 160,26 C220,8 280,36 336,58 Z", "#8d6b45"),
          path("M60,58 C100,36 130,48 170,40 C220,30 260,48 300,58 Z", "#a5825a"),
          Array.from({ length: 6 }, (_, i) =>
            line(`M${62 + i * 46},62 L${70 + i * 40},146`, darker(box, 0.28), 5),
          ).join(""),
        ].join(""),
      () =>
        [
          rect(8, 34, 342, 112, "url(#tank)", 52, `stroke="${darker(box, 0.35)}" stroke-width="3"`),
          Array.from({ length: 4 }, (_, i) => line(`M${84 + i * 62},36 V144`, darker(box, 0.25), 3)).join(""),
          rect(140, 22, 60, 16, "#6c7177", 4),
          rect(60, 96, 240, 12, logo, 3),
        ].join(""),
    ];
    return [
      `<defs>${vertical("paint", lighter(cab, 0.3), cab, darker(cab, 0.3))}${vertical("box", lighter(box, 0.2), box, darker(box, 0.15))}${vertical("tank", darker(box, 0.1), lighter(box, 0.45), box, darker(box, 0.4))}${vertical("glass", ...glass)}</defs>`,
      ellipse(262, 198, 236, 8, "#101114"),
      rect(10, 152, 470, 20, "#2b2d31", 3),
      cargo[load]!(),
      path(
        "M362,172 L362,40 C362,34 366,30 374,30 L446,30 C458,30 464,36 470,48 L496,104 C508,108 512,114 512,124 L512,172 Z",
        "url(#paint)",
      ),
      path(
        "M396,48 L442,48 C448,48 452,52 456,60 L474,102 L396,102 Z",
        "url(#glass)",
        `stroke="#17191d" stroke-width="3"`,
      ),
      path("M410,98 L428,52 L438,52 L420,98 Z", "#ffffff", `opacity="0.2"`),
      line("M388,44 V168", darker(cab, 0.5), 2),
      line("M482,108 V166", darker(cab, 0.5), 2),
      rect(398, 116, 24, 5, darker(cab, 0.6), 2),
      rect(468, 58, 9, 32, "#1b1c20", 4),
      rect(496, 128, 16, 18, "#fff3c8", 4, `stroke="#85888d" stroke-width="1.5"`),
      rect(488, 156, 28, 18, "#2a2c30", 4),
      rect(6, 154, 10, 14, "#c5242a", 2),
      rect(366, 18, 10, 30, "#8c9197", 3),
      ...[76, 142, 430].map(
        (x) =>
          path(`M${x - 38},174 C${x - 38},128 ${x + 38},128 ${x + 38},174 Z`, "#151619") +
          wheel(x, 177, 30, phase, "#b9bec4", 6),
      ),
    ].join("");
  },
};

import type { Random } from "../../../base/random.ts";
import type { Art } from "./art.ts";
import { type Colour, circle, darker, ellipse, group, hsl, lighter, line, n, path } from "./svg.ts";

/** The four legs of a walking animal, far pair first; each swings about its hip and the pairs cross. */
function legs(
  phase: number,
  hips: readonly (readonly [x: number, y: number])[],
  length: number,
  width: number,
  colour: Colour,
  paw: Colour,
  far: boolean,
): string {
  return hips
    .map(([x, y], i) => {
      const cycle = (phase + (i === 0 ? 0 : 0.5) + (far ? 0.5 : 0)) * 2 * Math.PI;
      const hip = Math.sin(cycle) * 0.42;
      const bend = Math.max(0, Math.cos(cycle)) * 0.6;
      const kneeX = x + Math.sin(hip) * length * 0.5;
      const kneeY = y + Math.cos(hip) * length * 0.5;
      const footX = kneeX + Math.sin(hip - bend) * length * 0.5;
      const footY = kneeY + Math.cos(hip - bend) * length * 0.5;
      return (
        line(`M${n(x)},${n(y)} L${n(kneeX)},${n(kneeY)}`, colour, width * 1.35) +
        line(`M${n(kneeX)},${n(kneeY)} L${n(footX)},${n(footY)}`, colour, width) +
        ellipse(footX + width * 0.3, footY, width * 0.85, width * 0.5, paw)
      );
    })
    .join("");
}

export const dog: Art = {
  name: "dog",
  width: 300,
  height: 216,
  heightMetres: 1.02,
  motion: "walks",
  cycleMetres: 0.8,
  draw(random, phase) {
    const coat = random.pick([
      "#c98f4e",
      "#8a5a33",
      "#2f2a28",
      "#e9dcc4",
      "#a7744a",
      "#6f6a66",
      "#d8b27a",
      "#f2efe9",
    ]);
    const mark = random.pick(["#ffffff", "#2b2523", darker(coat, 0.45), lighter(coat, 0.55)]);
    const pattern = random.below(4);
    const floppy = random.chance(0.65);
    const collar = hsl(random.between(0, 360), 75, 48);
    const stout = random.between(0.85, 1.15);
    const legLength = random.between(66, 84);
    const shaggy = random.chance(0.25);
    const tailUp = random.between(-10, 26);
    const wag = Math.sin(phase * 4 * Math.PI) * 7;
    const bob = Math.sin(phase * 4 * Math.PI) * 1.8;
    const far = darker(coat, 0.28);
    const belly = 192 - legLength;
    const backY = belly - 44 * stout + bob;
    const chestY = belly + 12 * stout + bob;
    const body = `M52,${n(backY + 14)} C54,${n(backY - 4)} 90,${n(backY)} 120,${n(backY + 2)} C150,${n(backY + 2)} 168,${n(backY - 8)} 184,${n(backY - 10)} C206,${n(backY - 2)} 204,${n(chestY - 4)} 190,${n(chestY + 6)} C174,${n(chestY + 14)} 150,${n(chestY)} 124,${n(chestY - 10)} C100,${n(chestY - 16)} 88,${n(chestY)} 68,${n(chestY)} C48,${n(chestY - 6)} 46,${n(backY + 30)} 52,${n(backY + 14)} Z`;
    const headX = 208;
    const headY = backY - 30;
    const snout = random.between(0.85, 1.2);
    return group(
      "translate(8 18)",
      `<defs><clipPath id="b"><path d="${body}"/></clipPath></defs>`,
      legs(
        phase,
        [
          [180, chestY - 12],
          [72, chestY - 16],
        ],
        192 - chestY + 14,
        12,
        far,
        darker(mark, 0.3),
        true,
      ),
      line(
        `M56,${n(backY + 14)} C36,${n(backY + 2)} ${n(24 + wag)},${n(backY - 10 - tailUp)} ${n(16 + wag)},${n(backY - 30 - tailUp)}`,
        coat,
        shaggy ? 17 : 11,
      ),
      pattern === 1
        ? line(
            `M${n(20 + wag)},${n(backY - 22 - tailUp)} L${n(16 + wag)},${n(backY - 30 - tailUp)}`,
            mark,
            shaggy ? 16 : 10,
          )
        : "",
      path(
        body,
        coat,
        shaggy ? `stroke="${coat}" stroke-width="8" stroke-dasharray="9 5" stroke-linecap="round"` : "",
      ),
      `<g clip-path="url(#b)">`,
      pattern === 0 ? ellipse(112, backY + 6, 40, 26, mark) : "",
      pattern === 1 ? ellipse(196, chestY - 4, 26, 34, mark) : "",
      pattern === 2
        ? ellipse(84, backY + 18, 18, 14, mark) +
            ellipse(140, chestY - 26, 15, 12, mark) +
            ellipse(176, backY + 12, 12, 14, mark)
        : "",
      ellipse(120, chestY + 12, 90, 22, "#000000", `opacity="0.16"`),
      `</g>`,
      legs(
        phase,
        [
          [184, chestY - 12],
          [66, chestY - 18],
        ],
        192 - chestY + 14,
        13,
        coat,
        pattern === 1 ? mark : darker(coat, 0.15),
        false,
      ),
      // neck and head
      path(
        `M168,${n(backY + 4)} C176,${n(backY - 16)} 184,${n(headY)} 196,${n(headY - 10)} L226,${n(headY + 18)} C218,${n(backY + 10)} 212,${n(backY + 26)} 204,${n(backY + 36)} Z`,
        coat,
      ),
      path(
        `M176,${n(backY - 8)} C186,${n(backY)} 200,${n(backY + 10)} 214,${n(backY + 6)}`,
        "none",
        `stroke="${collar}" stroke-width="8" stroke-linecap="round"`,
      ),
      circle(204, backY + 16, 6, "#e5c04a"),
      floppy
        ? ""
        : path(
            `M${headX - 8},${n(headY - 20)} L${headX - 6},${n(headY - 50)} L${headX + 14},${n(headY - 24)} Z`,
            darker(coat, 0.3),
          ),
      ellipse(headX, headY, 25, 24, coat),
      path(
        `M${headX + 4},${n(headY - 12)} C${n(headX + 26 * snout)},${n(headY - 8)} ${n(headX + 46 * snout)},${n(headY - 4)} ${n(headX + 50 * snout)},${n(headY + 3)} C${n(headX + 50 * snout)},${n(headY + 16)} ${n(headX + 30)},${n(headY + 21)} ${headX},${n(headY + 20)} Z`,
        pattern === 1 ? lighter(coat, 0.4) : coat,
      ),
      ellipse(headX + 47 * snout, headY + 1, 8, 6.5, "#1c1817"),
      line(
        `M${n(headX + 44 * snout)},${n(headY + 12)} C${headX + 34},${n(headY + 17)} ${headX + 24},${n(headY + 16)} ${headX + 18},${n(headY + 12)}`,
        darker(coat, 0.6),
        2.5,
      ),
      random.chance(0.4) ? path(`M${headX + 24},${n(headY + 15)} q6,18 14,12 q2,-8 -2,-14 Z`, "#e8757c") : "",
      circle(headX + 12, headY - 6, 4.2, "#191514"),
      circle(headX + 13.4, headY - 7.4, 1.3, "#ffffff"),
      floppy
        ? path(
            `M${headX - 16},${n(headY - 20)} C${headX - 2},${n(headY - 26)} ${headX + 6},${n(headY - 12)} ${headX},${n(headY + 14)} C${headX - 6},${n(headY + 26)} ${headX - 24},${n(headY + 20)} ${headX - 26},${n(headY + 2)} C${headX - 26},${n(headY - 8)} ${headX - 22},${n(headY - 16)} ${headX - 16},${n(headY - 20)} Z`,
            darker(pattern === 3 ? mark : coat, 0.32),
          )
        : path(
            `M${headX - 24},${n(headY - 10)} L${headX - 22},${n(headY - 48)} L${headX},${n(headY - 20)} Z`,
            darker(coat, 0.15),
          ),
    );
  },
};

interface CatCoat {
  readonly coat: Colour;
  readonly dark: Colour;
  readonly eye: Colour;
  /** Chest and paws. */
  readonly pale: Colour;
  readonly socks: boolean;
  readonly tabby: boolean;
  readonly bow: Colour | undefined;
}

function catCoat(random: Random): CatCoat {
  const coat = random.pick(["#e39a4a", "#8d8a88", "#2c2a2c", "#f0e6d6", "#b08a63", "#5f5a58", "#d9a86a"]);
  const socks = random.chance(0.4);
  return {
    coat,
    dark: darker(coat, 0.4),
    eye: random.pick(["#8fc45a", "#e3b53a", "#5fb2d6"]),
    pale: socks ? "#fbf7f0" : lighter(coat, 0.3),
    socks,
    tabby: random.chance(0.55),
    bow: random.chance(0.3) ? hsl(random.between(0, 360), 75, 52) : undefined,
  };
}

function stripes(d: string, { tabby, dark }: CatCoat): string {
  return tabby ? line(d, dark, 6, `opacity="0.75"`) : "";
}

function catHead(x: number, y: number, look: CatCoat): string {
  const { coat, dark, eye, pale } = look;
  return [
    path(`M${x - 26},${y - 8} L${x - 24},${y - 42} L${x - 2},${y - 24} Z`, coat),
    path(`M${x + 4},${y - 24} L${x + 26},${y - 42} L${x + 28},${y - 6} Z`, coat),
    path(`M${x - 21},${y - 16} L${x - 20},${y - 34} L${x - 8},${y - 23} Z`, "#e9a6a0"),
    path(`M${x + 10},${y - 23} L${x + 22},${y - 34} L${x + 23},${y - 14} Z`, "#e9a6a0"),
    ellipse(x, y, 31, 26, coat),
    stripes(`M${x},${y - 24} v10 M${x - 10},${y - 22} v8 M${x + 10},${y - 22} v8`, look),
    ellipse(x + 4, y + 10, 16, 11, pale),
    ellipse(x - 9, y - 3, 6, 7, eye),
    ellipse(x + 15, y - 3, 6, 7, eye),
    ellipse(x - 8, y - 3, 2, 6, "#151214"),
    ellipse(x + 16, y - 3, 2, 6, "#151214"),
    path(`M${x},${y + 4} h8 l-4,5 Z`, "#d4736f"),
    line(`M${x + 4},${y + 9} q-4,6 -9,4 M${x + 4},${y + 9} q4,6 9,4`, dark, 1.8),
    line(
      `M${x - 12},${y + 8} l-24,-4 M${x - 12},${y + 11} l-24,4 M${x + 18},${y + 8} l22,-5 M${x + 18},${y + 11} l22,3`,
      lighter(coat, 0.6),
      1.2,
    ),
  ].join("");
}

export const sittingCat: Art = {
  name: "cat",
  width: 200,
  height: 170,
  heightMetres: 0.75,
  motion: "stands",
  cycleMetres: 0,
  draw(random, phase) {
    const look = catCoat(random);
    const { coat, pale, socks, bow } = look;
    const paw = socks ? pale : darker(coat, 0.12);
    const sway = Math.sin(phase * 2 * Math.PI) * 8;
    return [
      line(`M80,160 C40,164 22,150 ${n(28 + sway)},122`, coat, 13),
      path("M70,166 C56,140 66,104 92,84 C112,70 142,76 150,100 C158,124 156,150 156,166 Z", coat),
      stripes("M76,128 q16,-4 24,4 M72,146 q16,-4 24,4 M90,106 q14,-2 20,6", look),
      path("M124,96 C142,98 150,120 148,150 L128,152 Z", pale),
      line("M126,120 V158 M146,118 V158", coat, 15),
      ellipse(130, 163, 13, 7, paw),
      ellipse(151, 163, 13, 7, paw),
      ellipse(86, 162, 22, 8, darker(coat, 0.1)),
      bow === undefined ? "" : line("M112,86 C124,94 142,94 154,86", bow, 7),
      catHead(132, 60, look),
    ].join("");
  },
};

export const cat: Art = {
  name: "cat",
  width: 230,
  height: 170,
  heightMetres: 0.75,
  motion: "walks",
  cycleMetres: 0.5,
  draw(random, phase) {
    const look = catCoat(random);
    const { coat, dark, pale, socks, tabby, bow } = look;
    const paw = socks ? pale : darker(coat, 0.12);
    const sway = Math.sin(phase * 2 * Math.PI) * 8;
    const body =
      "M44,92 C48,70 86,70 120,74 C144,76 168,72 178,84 C184,104 174,122 156,122 C130,124 96,116 68,122 C46,122 40,108 44,92 Z";
    return [
      `<defs><clipPath id="b"><path d="${body}"/></clipPath></defs>`,
      legs(
        phase,
        [
          [160, 110],
          [62, 108],
        ],
        54,
        10,
        darker(coat, 0.28),
        darker(paw, 0.25),
        true,
      ),
      line(
        `M52,88 C24,82 ${n(12 + sway)},56 ${n(26 + sway)},28 C${n(30 + sway)},18 ${n(40 + sway)},16 ${n(44 + sway)},24`,
        coat,
        12,
      ),
      tabby ? line(`M${n(18 + sway)},46 l10,3 M${n(24 + sway)},30 l10,4`, dark, 5, `opacity="0.75"`) : "",
      path(body, coat),
      `<g clip-path="url(#b)">`,
      stripes("M76,66 q-6,20 2,34 M98,66 q-6,20 2,34 M120,66 q-6,20 2,34 M142,66 q-6,20 2,34", look),
      ellipse(110, 124, 70, 14, "#000000", `opacity="0.15"`),
      `</g>`,
      legs(
        phase,
        [
          [166, 108],
          [58, 106],
        ],
        56,
        11,
        coat,
        paw,
        false,
      ),
      bow === undefined ? "" : line("M160,82 C168,94 184,98 196,92", bow, 7),
      catHead(184, 62, look),
    ].join("");
  },
};

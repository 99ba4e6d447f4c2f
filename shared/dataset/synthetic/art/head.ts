import type { Random } from "../../../base/random.ts";
import { type Colour, circle, darker, ellipse, hsl, lighter, line, n, path } from "./svg.ts";

const SKINS: readonly Colour[] = ["#f6d3b8", "#eebd98", "#d99e73", "#b97a4f", "#8c5734", "#633c24"];
const HAIRS: readonly Colour[] = [
  "#1c1613",
  "#3a2618",
  "#6b4423",
  "#a8773c",
  "#dcb561",
  "#8f3d1e",
  "#9b9a98",
];

/** What tells one head from another. */
export interface Looks {
  readonly skin: Colour;
  readonly hair: Colour;
  /** 0 to 3: short, long, bun, cropped. */
  readonly cut: number;
}

export function randomLooks(random: Random): Looks {
  return { skin: random.pick(SKINS), hair: random.pick(HAIRS), cut: random.below(4) };
}

/** A colour for clothes. */
export function cloth(random: Random): Colour {
  return random.chance(0.75)
    ? hsl(random.between(0, 360), random.between(35, 80), random.between(34, 62))
    : hsl(220, random.between(2, 12), random.between(18, 92));
}

/** A head in profile, its middle at (83, y). */
export function head(y: number, { skin, hair, cut }: Looks): string {
  return [
    cut === 1
      ? path(
          `M58,${n(y - 6)} C48,${n(y + 16)} 50,${n(y + 44)} 58,${n(y + 58)} L80,${n(y + 52)} L82,${n(y)} Z`,
          darker(hair, 0.15),
        )
      : "",
    ellipse(83, y, 24, 28, skin),
    path(`M105,${n(y - 2)} q9,8 1,11 Z`, skin),
    circle(96, y - 3, 3, "#23201e"),
    line(`M90,${n(y - 11)} q6,-4 11,-1`, darker(hair, 0.2), 2.4),
    line(`M93,${n(y + 13)} q5,4 10,1`, darker(skin, 0.45), 2.4),
    circle(102, y + 7, 4, "#e46a5a", `opacity="0.25"`),
    ellipse(76, y + 2, 5, 7, darker(skin, 0.12)),
    hairCut(cut, y, hair),
  ].join("");
}

function hairCut(kind: number, headY: number, hair: Colour): string {
  const cap = `M104,${n(headY - 12)} C104,${n(headY - 40)} 58,${n(headY - 42)} 58,${n(headY - 2)} C58,${n(headY + 10)} 60,${n(headY + 16)} 66,${n(headY + 20)} C70,${n(headY + 8)} 70,${n(headY - 2)} 76,${n(headY - 8)} C86,${n(headY - 10)} 96,${n(headY - 10)} 104,${n(headY - 12)} Z`;
  const shine = line(
    `M68,${n(headY - 18)} C74,${n(headY - 27)} 84,${n(headY - 30)} 92,${n(headY - 27)}`,
    lighter(hair, 0.25),
    3,
    `opacity="0.7"`,
  );
  switch (kind) {
    case 0:
    case 1:
      return path(cap, hair) + shine;
    case 2:
      return path(cap, hair) + circle(60, headY - 22, 12, hair) + shine;
    default:
      return path(
        `M104,${n(headY - 14)} C98,${n(headY - 34)} 62,${n(headY - 36)} 60,${n(headY - 4)} L66,${n(headY + 6)} C70,${n(headY - 6)} 76,${n(headY - 14)} 104,${n(headY - 14)} Z`,
        hair,
      );
  }
}

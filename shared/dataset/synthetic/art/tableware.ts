import type { Art } from "./art.ts";
import { darker, ellipse, group, horizontal, hsl, lighter, line, path, rect } from "./svg.ts";

export const bottle: Art = {
  name: "bottle",
  width: 80,
  height: 250,
  heightMetres: 0.28,
  motion: "stands",
  cycleMetres: 0,
  draw(random) {
    const glass = random.pick([
      "#2f6b45",
      "#5a3417",
      "#9cc7d8",
      "#d7e6ea",
      hsl(random.between(180, 230), 55, 50),
      "#7d1f2d",
    ]);
    const label = random.pick(["#f4efe2", "#ffffff", hsl(random.between(0, 360), 65, 50)]);
    const cap = random.pick(["#c7352f", "#2d66b8", "#e8e8e6", "#2b2b2d", "#d8a737"]);
    const print = hsl(random.between(0, 360), 60, 38);
    const fill = random.between(60, 130);
    const wine = random.chance(0.5);
    const outline = wine
      ? "M30,20 L30,84 C30,104 8,108 8,138 L8,240 Q8,248 16,248 L64,248 Q72,248 72,240 L72,138 C72,108 50,104 50,84 L50,20 Z"
      : "M30,22 L30,48 C28,64 8,70 8,96 L8,132 Q13,140 8,150 L8,238 Q8,248 18,248 L62,248 Q72,248 72,238 L72,150 Q67,140 72,132 L72,96 C72,70 52,64 50,48 L50,22 Z";
    const labelY = wine ? 160 : 150;
    return [
      `<defs>${horizontal("glass", darker(glass, 0.4), glass, lighter(glass, 0.45), glass, darker(glass, 0.45))}${horizontal("label", darker(label, 0.3), label, lighter(label, 0.3), label, darker(label, 0.35))}<clipPath id="b"><path d="${outline}"/></clipPath></defs>`,
      path(outline, "url(#glass)", `stroke="${darker(glass, 0.5)}" stroke-width="2"`),
      `<g clip-path="url(#b)">`,
      rect(0, fill, 80, 200, darker(glass, 0.3), 0, `opacity="0.35"`),
      rect(0, labelY, 80, 58, "url(#label)"),
      rect(0, labelY + 6, 80, 3, print),
      rect(0, labelY + 49, 80, 3, print),
      ellipse(40, labelY + 29, 15, 13, print),
      `</g>`,
      line(`M20,${wine ? 132 : 96} V236`, "#ffffff", 4, `opacity="0.4"`),
      rect(27, 4, 26, 22, cap, 4),
      line("M33,8 V22 M40,8 V22 M47,8 V22", darker(cap, 0.3), 1.5),
    ].join("");
  },
};

export const cup: Art = {
  name: "cup",
  width: 168,
  height: 120,
  heightMetres: 0.11,
  motion: "stands",
  cycleMetres: 0,
  draw(random) {
    const colour = random.chance(0.3)
      ? random.pick(["#f5f3ee", "#2e3136", "#d9d4c8"])
      : hsl(random.between(0, 360), random.between(45, 80), random.between(42, 62));
    const decor = random.below(4);
    const ink = random.chance(0.5) ? "#ffffff" : darker(colour, 0.45);
    const saucer = random.chance(0.3);
    const taper = random.pick([0, 8, 16]);
    const drink = random.pick(["#4b2c17", "#8a4a1a", "#c9a06a"]);
    const outline = `M10,26 L${10 + taper},104 Q${12 + taper},118 ${26 + taper},118 L${84 - taper},118 Q${98 - taper},118 ${100 - taper},104 L100,26 Z`;
    return group(
      "translate(14 0)",
      `<defs>${horizontal("glaze", darker(colour, 0.25), colour, lighter(colour, 0.3), colour, darker(colour, 0.35))}<clipPath id="c"><path d="${outline}"/></clipPath></defs>`,
      saucer
        ? ellipse(58, 113, 70, 7, darker(colour, 0.15)) + ellipse(58, 111, 58, 4, lighter(colour, 0.25))
        : "",
      path(
        `M94,42 C138,30 148,60 136,78 C126,94 106,96 ${96 - taper},94`,
        "none",
        `stroke="${darker(colour, 0.12)}" stroke-width="13" stroke-linecap="round"`,
      ),
      path(outline, "url(#glaze)"),
      `<g clip-path="url(#c)">`,
      decor === 0 ? rect(0, 58, 110, 10, ink) + rect(0, 76, 110, 5, ink) : "",
      decor === 1
        ? path("M55,94 C30,74 36,54 48,56 Q54,57 55,64 Q56,57 62,56 C74,54 80,74 55,94 Z", ink)
        : "",
      decor === 2
        ? [20, 45, 70, 95].map((x) => ellipse(x, 60, 6, 6, ink) + ellipse(x - 12, 84, 6, 6, ink)).join("")
        : "",
      `</g>`,
      ellipse(55, 26, 45, 12, lighter(colour, 0.15)),
      ellipse(55, 27, 39, 9, darker(colour, 0.45)),
      ellipse(55, 29, 35, 6.5, drink),
    );
  },
};

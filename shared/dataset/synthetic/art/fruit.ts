import type { Art } from "./art.ts";
import { circle, darker, ellipse, group, hsl, lighter, line, mix, n, path, radial } from "./svg.ts";

export const orange: Art = {
  name: "orange",
  width: 136,
  height: 128,
  heightMetres: 0.1,
  motion: "rolls",
  cycleMetres: 0.32,
  draw(random, phase) {
    const hue = random.between(22, 34);
    const colour = hsl(hue, random.between(88, 98), random.between(48, 55));
    const kind = random.below(6);
    const squash = random.between(0.92, 1);
    const turn = phase * 360 + random.between(-30, 30);
    const dimples = Array.from({ length: 46 }, () => {
      const angle = random.between(0, 2 * Math.PI);
      const out = Math.sqrt(random.unit()) * 50;
      return circle(
        Math.cos(angle) * out,
        Math.sin(angle) * out,
        random.between(1, 1.9),
        darker(colour, 0.22),
        `opacity="0.55"`,
      );
    }).join("");
    const leaf = random.chance(0.5);
    const shade = `<defs>${radial("skin", 0.36, 0.3, 0.78, lighter(colour, 0.45), colour, colour, mix(darker(colour, 0.42), "#a02000", 0.25))}${radial("flesh", 0.5, 0.5, 0.55, lighter(colour, 0.35), colour)}</defs>`;
    const ry = 56 * squash;
    if (kind === 0) {
      // cut in half, the flesh towards us
      const segments = Array.from({ length: 10 }, (_, i) =>
        group(
          `rotate(${n(i * 36 + turn)})`,
          path(
            "M0,-6 L11,-40 Q0,-48 -11,-40 Z",
            "url(#flesh)",
            `stroke="#fff1d6" stroke-width="2.5" stroke-linejoin="round"`,
          ),
        ),
      ).join("");
      return [
        shade,
        group(
          "translate(68 70)",
          circle(0, 0, 57, "url(#skin)"),
          circle(0, 0, 51, "#fdebcb"),
          segments,
          circle(0, 0, 5, "#fdebcb"),
        ),
      ].join("");
    }
    return [
      shade,
      ellipse(68, 127 - ry, 57, ry, "url(#skin)"),
      group(
        `translate(68 ${n(127 - ry)}) rotate(${n(turn)}) scale(1 ${n(squash)})`,
        dimples,
        path("M-2,-46 l4,-5 5,3 -1,6 -6,1 Z", "#5c7a2e"),
        line("M-8,-40 q8,-4 16,0", darker(colour, 0.3), 2, `opacity="0.5"`),
        leaf
          ? path("M2,-46 C12,-58 32,-56 38,-42 C26,-32 12,-36 2,-46 Z", "#4b8f35") +
              line("M4,-46 C14,-48 24,-48 34,-43", "#2f6b22", 1.8)
          : "",
      ),
      ellipse(49, 45, 15, 9, "#ffffff", `opacity="0.35" transform="rotate(-32 49 45)"`),
    ].join("");
  },
};

export const apple: Art = {
  name: "apple",
  width: 136,
  height: 132,
  heightMetres: 0.11,
  motion: "rolls",
  cycleMetres: 0.3,
  draw(random, phase) {
    const base = random.pick([
      hsl(random.between(352, 364), random.between(70, 85), random.between(38, 46)),
      hsl(random.between(78, 95), random.between(55, 70), random.between(46, 56)),
      hsl(random.between(352, 362), 70, 36),
    ]);
    const blush = random.chance(0.5) ? hsl(random.between(44, 70), 70, 60) : lighter(base, 0.3);
    const leaf = random.chance(0.7);
    const bitten = random.chance(0.12);
    const lean = random.between(-8, 8) + Math.sin(phase * 2 * Math.PI) * 10;
    const specks = Array.from({ length: 16 }, () =>
      circle(random.between(24, 96), random.between(46, 112), 1.1, lighter(base, 0.6), `opacity="0.6"`),
    ).join("");
    const outline =
      "M60,40 C48,28 14,28 8,62 C4,92 26,128 46,128 C54,128 56,125 60,125 C64,125 66,128 74,128 C94,128 116,92 112,62 C106,28 72,28 60,40 Z";
    return group(
      `translate(8 2) rotate(${n(lean)} 60 78)`,
      `<defs>${radial("skin", 0.34, 0.32, 0.8, lighter(base, 0.4), base, base, darker(base, 0.45))}<radialGradient id="blush"><stop offset="0" stop-color="${blush}" stop-opacity="0.75"/><stop offset="1" stop-color="${blush}" stop-opacity="0"/></radialGradient><clipPath id="o"><path d="${outline}"/></clipPath></defs>`,
      path(outline, "url(#skin)"),
      `<g clip-path="url(#o)">`,
      ellipse(84, 72, 34, 50, "url(#blush)"),
      specks,
      bitten ? circle(116, 74, 26, "#fbf1d2") + circle(120, 74, 22, "#f3e2b0") : "",
      `</g>`,
      path("M42,38 C52,46 68,46 78,38 C70,50 50,50 42,38 Z", darker(base, 0.5), `opacity="0.7"`),
      line("M60,42 C60,28 64,18 70,10", "#5d3d20", 6),
      leaf
        ? path("M64,24 C74,6 98,4 108,14 C100,32 78,34 64,24 Z", "#559a3a") +
            line("M68,23 C80,16 92,14 104,15", "#356f25", 2)
        : "",
      ellipse(34, 62, 9, 17, "#ffffff", `opacity="0.45" transform="rotate(18 34 62)"`),
    );
  },
};

export const banana: Art = {
  name: "banana",
  width: 228,
  height: 182,
  heightMetres: 0.18,
  motion: "rolls",
  cycleMetres: 0,
  draw(random, phase) {
    const ripe = random.unit();
    const colour =
      ripe < 0.2
        ? hsl(64, 62, 48)
        : hsl(random.between(46, 54), random.between(85, 95), random.between(52, 60));
    const spots = random.chance(0.5) ? 5 + random.below(10) : 0;
    const count = random.pick([1, 1, 2, 3, 4]);
    const rock = Math.sin(phase * 2 * Math.PI) * 5;
    const tip = "#4d3a1e";
    const one = (turn: number, shadeBy: number) => {
      const fill = darker(colour, shadeBy);
      const marks = Array.from({ length: spots }, () => {
        const t = random.between(0.15, 0.85);
        return ellipse(
          26 + t * 148,
          62 + Math.sin(t * Math.PI) * 40 + random.between(-8, 8),
          random.between(1.5, 4.5),
          random.between(1.2, 2.4),
          "#6b4a1c",
          `opacity="0.7"`,
        );
      }).join("");
      return group(
        `rotate(${n(turn)} 182 34)`,
        path(
          "M14,52 C22,96 72,128 122,116 C160,106 182,72 186,36 L176,32 C166,62 142,82 108,84 C70,86 40,72 24,46 Z",
          fill,
        ),
        path(
          "M14,52 C22,96 72,128 122,116 C160,106 182,72 186,36 L183,35 C176,68 152,96 116,104 C74,112 34,86 17,49 Z",
          darker(fill, 0.2),
        ),
        line("M30,56 C52,84 84,96 112,92 C146,86 168,66 178,38", lighter(fill, 0.45), 4, `opacity="0.8"`),
        marks,
        path("M12,54 L10,46 L22,42 L26,48 Z", tip),
        path("M174,34 L178,12 L190,14 L187,38 Z", mix(fill, "#7a7a2a", 0.5)),
        path("M177,14 L179,6 L191,8 L190,16 Z", tip),
      );
    };
    return group(
      `translate(14 58) rotate(${n(rock)} 100 100)`,
      Array.from({ length: count }, (_, i) =>
        one((count - 1 - i) * 14 - (count - 1) * 3, (count - 1 - i) * 0.09),
      ).join(""),
    );
  },
};

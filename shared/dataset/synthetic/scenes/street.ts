import type { Random } from "../../../base/random.ts";
import { OUTDOOR_CLUTTER } from "../art/clutter.ts";
import {
  type Colour,
  darker,
  ellipse,
  hsl,
  lighter,
  line,
  mix,
  n,
  path,
  rect,
  vertical,
} from "../art/svg.ts";
import type { Lamp } from "../light.ts";
import { clouds, tree } from "./nature.ts";
import { propsOn, type SceneDrawing } from "./scene.ts";

/** A street seen from across it: houses, a pavement, two lanes, and the near pavement. */
export function street(random: Random): SceneDrawing {
  const base = 206 + random.between(-14, 10);
  const kerb = base + 26;
  const nearKerb = 326 + random.between(-6, 8);
  const middle = (kerb + nearKerb) / 2 - 8;
  const sky = random.pick([
    ["#8fc3ea", "#dcedf7"],
    ["#6fa9dc", "#cfe3f2"],
    ["#b6c3cd", "#e2e6e8"],
    ["#f0c9a0", "#f8e7cf"],
  ] as const);
  const asphalt = hsl(random.between(200, 250), random.between(2, 7), random.between(34, 46));
  const paving = hsl(random.between(25, 60), random.between(4, 14), random.between(60, 72));
  const tilted = random.between(-26, 26);
  const slabs: string[] = [];
  for (let x = -20; x < 680; x += 34) slabs.push(`M${x},${n(base)} L${n(x + tilted * 0.5)},${n(kerb - 4)}`);
  for (let x = -40; x < 700; x += 58) slabs.push(`M${x},${n(nearKerb + 6)} L${n(x + tilted)},360`);
  const dashes: string[] = [];
  for (let x = random.between(-60, 0); x < 680; x += 92) {
    dashes.push(path(`M${n(x)},${n(middle - 3)} h46 l${n(tilted * 0.1)},6 h-46 Z`, "#e9e7dc"));
  }
  const crossing = random.chance(0.3) ? zebra(random.between(80, 480), kerb + 2, nearKerb - 4) : "";
  const lampX = [random.between(60, 240), random.between(360, 580)];
  const lamps: Lamp[] = lampX.map((x) => ({ x: x / 360, y: (base - 92) / 360, radius: 0.62 }));
  return {
    kind: "street",
    indoors: false,
    back: [
      `<defs>${vertical("sky", ...sky)}${vertical("road", lighter(asphalt, 0.12), asphalt, darker(asphalt, 0.1))}${vertical("near", paving, darker(paving, 0.14))}</defs>`,
      rect(0, 0, 640, 230, "url(#sky)"),
      clouds(random),
      houses(random, base),
      rect(0, base, 640, 40, paving),
      rect(0, kerb, 640, 160, "url(#road)"),
      rect(0, nearKerb, 640, 60, "url(#near)"),
      line(slabs.join(" "), darker(paving, 0.22), 1.2),
      crossing,
    ].join(""),
    textures: [
      { top: base / 360, bottom: 1, cellX: 0.012, cellY: 0.008, strength: 0.11 },
      { top: kerb / 360, bottom: 1, cellX: 0.35, cellY: 0.05, strength: 0.08 },
      { top: 0, bottom: base / 360, cellX: 0.02, cellY: 0.02, strength: 0.035 },
    ],
    front: [
      rect(0, kerb - 4, 640, 5, lighter(paving, 0.35)),
      rect(0, kerb + 1, 640, 2, darker(asphalt, 0.4)),
      crossing === "" ? dashes.join("") : "",
      rect(0, nearKerb, 640, 6, lighter(paving, 0.3)),
      rect(0, nearKerb - 2, 640, 2, darker(asphalt, 0.4)),
      random.chance(0.5) ? drain(random.between(60, 560), nearKerb - 9) : "",
      ...(random.chance(0.7) ? [tree(random, random.between(20, 600), base + 8)] : []),
      ...(random.chance(0.5) ? [tree(random, random.between(20, 600), base + 9)] : []),
      ...lampX.map((x) => streetLamp(x, base + 12)),
    ].join(""),
    lamps,
    grounds: {
      drive: {
        top: kerb + 28,
        bottom: nearKerb - 8,
        scaleTop: random.between(31, 37),
        scaleBottom: random.between(47, 58),
      },
      walk: {
        top: nearKerb + 4,
        bottom: 356,
        scaleTop: random.between(56, 64),
        scaleBottom: random.between(68, 80),
      },
      rest: { top: nearKerb + 4, bottom: 356, scaleTop: 60, scaleBottom: 72 },
    },
    props: [
      ...propsOn(
        random,
        OUTDOOR_CLUTTER,
        { top: base + 6, bottom: kerb - 4, scaleTop: 22, scaleBottom: 26 },
        2 + random.below(4),
      ),
      ...propsOn(
        random,
        OUTDOOR_CLUTTER,
        { top: 350, bottom: 372, scaleTop: 50, scaleBottom: 60 },
        random.below(3),
      ),
    ],
  };
}

function streetLamp(x: number, y: number): string {
  return (
    line(`M${n(x)},${n(y)} V${n(y - 104)} q0,-8 10,-8 h12`, "#3b4046", 3.5) +
    path(`M${n(x + 14)},${n(y - 114)} h18 l-3,8 h-12 Z`, "#fff3c4", `stroke="#3b4046" stroke-width="1.5"`)
  );
}

function zebra(x: number, top: number, bottom: number): string {
  return Array.from({ length: 6 }, (_, i) => {
    const upper = x + i * 20;
    const lower = x - 20 + i * 27;
    return path(`M${n(upper)},${n(top)} h11 L${n(lower + 16)},${n(bottom)} h-16 Z`, "#e8e6de");
  }).join("");
}

function drain(x: number, y: number): string {
  return (
    rect(x, y, 30, 5, "#26282c", 1) +
    line(`M${n(x + 6)},${n(y)} v5 m6,-5 v5 m6,-5 v5 m6,-5 v5`, "#5a5e64", 1.5)
  );
}

function houses(random: Random, base: number): string {
  const parts: string[] = [];
  for (let x = -30; x < 640; ) {
    const width = random.between(90, 190);
    parts.push(house(random, x, width, base));
    x += width;
  }
  return parts.join("");
}

function house(random: Random, x: number, width: number, base: number): string {
  const wall: Colour = random.pick([
    hsl(random.between(8, 24), random.between(25, 50), random.between(42, 60)),
    hsl(random.between(30, 50), random.between(20, 50), random.between(62, 80)),
    hsl(random.between(190, 230), random.between(8, 25), random.between(50, 70)),
    hsl(random.between(90, 150), random.between(8, 22), random.between(55, 70)),
    hsl(random.between(0, 360), random.between(15, 40), random.between(60, 75)),
  ]);
  const top = random.between(-30, 70);
  const glass = mix("#34424e", "#9dbccb", random.unit());
  const trim = random.chance(0.5) ? "#f1ede3" : darker(wall, 0.35);
  const brick = random.chance(0.4);
  const parts = [rect(x, top, width + 1, base - top, wall)];
  if (brick) {
    const courses: string[] = [];
    for (let y = top + 6, odd = 0; y < base; y += 7, odd ^= 1) {
      courses.push(`M${n(x)},${n(y)} h${n(width)}`);
      for (let bx = x + 4 + odd * 8; bx < x + width; bx += 16) courses.push(`M${n(bx)},${n(y)} v7`);
    }
    parts.push(line(courses.join(" "), darker(wall, 0.2), 0.9));
  }
  parts.push(rect(x - 2, top - 6, width + 4, 9, darker(wall, 0.3)));
  const columns = Math.max(2, Math.round(width / 42));
  const step = width / columns;
  for (let y = top + 16; y < base - 66; y += 44) {
    for (let c = 0; c < columns; c++) {
      const wx = x + (c + 0.5) * step - 11;
      const open = random.chance(0.12) ? "#f4dd9a" : glass;
      parts.push(
        rect(wx - 2, y - 2, 26, 32, trim),
        rect(wx, y, 22, 28, open),
        line(`M${n(wx + 11)},${n(y)} v28 M${n(wx)},${n(y + 11)} h22`, trim, 1.6),
      );
      if (random.chance(0.1))
        parts.push(rect(wx - 4, y + 26, 30, 6, "#8a5a3a"), ellipse(wx + 11, y + 25, 14, 4, "#6f9a4a"));
    }
  }
  // ground floor: a shop with an awning, or a door and a window
  const floor = base - 52;
  if (random.chance(0.55)) {
    const awning = hsl(random.between(0, 360), random.between(40, 75), random.between(38, 52));
    parts.push(rect(x + 8, floor + 6, width - 16, 46, darker(wall, 0.45)));
    parts.push(
      rect(x + 12, floor + 14, (width - 24) * 0.64, 32, glass),
      rect(
        x + width - 14 - (width - 24) * 0.28,
        floor + 14,
        (width - 24) * 0.26,
        38,
        mix(glass, "#2b2b2b", 0.3),
      ),
    );
    const stripes = Math.round((width - 12) / 12);
    for (let i = 0; i < stripes; i++) {
      const sx = x + 6 + (i * (width - 12)) / stripes;
      parts.push(
        path(
          `M${n(sx)},${n(floor - 4)} h${n((width - 12) / stripes)} l-1,16 h${n(-(width - 12) / stripes + 1)} Z`,
          i % 2 === 0 ? awning : "#f3efe6",
        ),
      );
    }
  } else {
    parts.push(
      rect(x + width * 0.2, floor + 8, 22, 44, random.pick(["#5b3a26", "#2f4d3a", "#7a2b2b", "#2c3f5e"]), 2),
    );
    parts.push(
      rect(x + width * 0.55 - 2, floor + 8, 38, 30, trim),
      rect(x + width * 0.55, floor + 10, 34, 26, glass),
    );
  }
  return parts.join("");
}

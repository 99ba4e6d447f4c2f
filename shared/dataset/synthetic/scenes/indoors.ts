import type { Random } from "../../../base/random.ts";
import { INDOOR_CLUTTER } from "../art/clutter.ts";
import {
  type Colour,
  circle,
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
import { propsOn, type SceneDrawing } from "./scene.ts";

/** Colour of a painted or papered wall. */
function wallColour(random: Random): Colour {
  return hsl(random.between(0, 360), random.between(6, 34), random.between(58, 86));
}

/** Bricks, tiles, stripes, dots or plain paint from the top down to `bottom`. */
function wall(random: Random, bottom: number, colour: Colour): string {
  const parts = [rect(0, 0, 640, bottom, colour)];
  const kind = random.below(5);
  if (kind === 0) {
    const side = random.between(26, 48);
    const grid: string[] = [];
    for (let x = random.between(-20, 0); x < 640; x += side) grid.push(`M${n(x)},0 V${n(bottom)}`);
    for (let y = random.between(-20, 0); y < bottom; y += side) grid.push(`M0,${n(y)} H640`);
    parts.push(line(grid.join(" "), random.chance(0.5) ? lighter(colour, 0.6) : darker(colour, 0.2), 2));
  } else if (kind === 1) {
    const courses: string[] = [];
    for (let y = 0, odd = 0; y < bottom; y += 16, odd ^= 1) {
      courses.push(`M0,${y} H640`);
      for (let x = odd * 20; x < 640; x += 40) courses.push(`M${x},${y} v16`);
    }
    const brick = hsl(random.between(8, 26), random.between(25, 50), random.between(42, 60));
    parts.push(rect(0, 0, 640, bottom, brick), line(courses.join(" "), lighter(brick, 0.4), 2));
  } else if (kind === 2) {
    const width = random.between(16, 40);
    for (let x = 0; x < 640; x += 2 * width) parts.push(rect(x, 0, width, bottom, darker(colour, 0.08)));
  } else if (kind === 3) {
    const step = random.between(36, 60);
    const ink = random.chance(0.5) ? darker(colour, 0.15) : lighter(colour, 0.45);
    for (let y = 16, odd = 0; y < bottom; y += step * 0.8, odd ^= 1) {
      for (let x = odd * step * 0.5; x < 640; x += step) parts.push(circle(x, y, step * 0.12, ink));
    }
  }
  return parts.join("");
}

/** A kitchen table or a counter seen from its edge, with a wall behind. */
export function table(random: Random): SceneDrawing {
  const edge = 208 + random.between(-34, 16);
  const kind = random.below(4);
  const top: Colour = [
    hsl(random.between(22, 36), random.between(30, 55), random.between(38, 62)),
    hsl(random.between(0, 360), random.between(25, 60), random.between(55, 80)),
    hsl(random.between(200, 230), random.between(3, 10), random.between(64, 86)),
    hsl(random.between(90, 160), random.between(10, 25), random.between(45, 65)),
  ][kind]!;
  const planks: string[] = [];
  for (let i = 0; i < 5; i++) {
    const y = edge + (360 - edge) * (i / 5) ** 1.5;
    planks.push(`M0,${n(y)} H640`);
  }
  const checks: string[] = [];
  if (kind === 1) {
    for (let i = 0; i < 7; i++) {
      const upper = edge + (360 - edge) * (i / 7) ** 1.4;
      const lower = edge + (360 - edge) * ((i + 1) / 7) ** 1.4;
      if (i % 2 === 0)
        checks.push(rect(0, upper, 640, lower - upper, lighter(top, 0.45), 0, `opacity="0.7"`));
    }
    for (let i = -12; i < 12; i += 2) {
      checks.push(
        path(
          `M${n(320 + i * 42)},${n(edge)} h42 L${n(320 + (i + 1) * 62)},360 h-62 Z`,
          lighter(top, 0.45),
          `opacity="0.6"`,
        ),
      );
    }
  }
  const ground = {
    top: edge + 26,
    bottom: 350,
    scaleTop: random.between(560, 680),
    scaleBottom: random.between(800, 1000),
  };
  const behind = { top: edge + 4, bottom: edge + 22, scaleTop: 480, scaleBottom: 560 };
  return {
    kind: "table",
    indoors: true,
    back: [
      `<defs>${vertical("top", darker(top, 0.1), top, lighter(top, 0.14))}</defs>`,
      wall(random, edge, wallColour(random)),
      random.chance(0.5) ? shelf(random, random.between(60, 110)) : "",
      rect(0, edge, 640, 360 - edge, "url(#top)"),
      kind === 0 ? line(planks.join(" "), darker(top, 0.3), 1.6) : "",
      checks.join(""),
    ].join(""),
    textures: [
      kind === 0
        ? { top: edge / 360, bottom: 1, cellX: 0.4, cellY: 0.008, strength: 0.16 }
        : {
            top: edge / 360,
            bottom: 1,
            cellX: kind === 2 ? 0.09 : 0.008,
            cellY: kind === 2 ? 0.06 : 0.008,
            strength: 0.09,
          },
      { top: 0, bottom: edge / 360, cellX: 0.015, cellY: 0.015, strength: 0.05 },
    ],
    front: rect(0, edge - 2, 640, 4, darker(top, 0.3)),
    lamps: [{ x: random.between(0.4, 1.4), y: 0.1, radius: random.between(0.9, 1.3) }],
    grounds: { drive: ground, walk: ground, rest: ground },
    props: [
      ...propsOn(random, INDOOR_CLUTTER, behind, 1 + random.below(4), 0.3),
      ...propsOn(
        random,
        INDOOR_CLUTTER,
        { top: 366, bottom: 386, scaleTop: 760, scaleBottom: 860 },
        random.below(2),
        0.2,
      ),
    ],
  };
}

/** A belt that carries goods past shelves. */
export function belt(random: Random): SceneDrawing {
  const top = 262 + random.between(-16, 12);
  const rubber = random.pick(["#2f3236", "#3d4148", "#4a4f45", "#5a4a42", "#28505a"]);
  const frame = random.pick(["#c0c5ca", "#d3b13c", "#7d868f", "#3f6f9c"]);
  const back = wallColour(random);
  const shelves: string[] = [];
  for (const y of [70, 150]) {
    shelves.push(rect(0, y, 640, 9, darker(back, 0.35)));
    for (let x = random.between(0, 20); x < 620; ) {
      const width = random.between(26, 80);
      const high = random.between(22, 52);
      const goods = hsl(random.between(0, 360), random.between(15, 55), random.between(35, 70));
      shelves.push(
        rect(x, y - high, width, high, goods, 3),
        rect(x + 4, y - high * 0.6, width - 8, high * 0.25, lighter(goods, 0.5)),
      );
      x += width + random.between(4, 26);
    }
  }
  const rollers: string[] = [];
  for (let x = 12; x < 640; x += 40)
    rollers.push(circle(x, top + 58, 15, "#8b9299") + circle(x, top + 58, 5, "#4c5157"));
  const ground = {
    top: top + 16,
    bottom: top + 34,
    scaleTop: random.between(700, 800),
    scaleBottom: random.between(800, 960),
  };
  return {
    kind: "belt",
    indoors: true,
    back: [
      `<defs>${vertical("rubber", lighter(rubber, 0.12), rubber)}</defs>`,
      wall(random, 360, back),
      shelves.join(""),
      rect(0, top - 18, 640, 14, darker(frame, 0.25)),
      rect(0, top - 4, 640, 48, "url(#rubber)"),
      rect(0, top + 44, 640, 60, darker(frame, 0.4)),
      rollers.join(""),
      rect(0, top + 40, 640, 12, frame),
      rect(0, top + 78, 640, 40, darker(frame, 0.15)),
    ].join(""),
    textures: [
      { top: (top - 4) / 360, bottom: (top + 40) / 360, cellX: 0.01, cellY: 0.006, strength: 0.14 },
      { top: 0, bottom: (top - 18) / 360, cellX: 0.02, cellY: 0.02, strength: 0.05 },
    ],
    front: random.chance(0.5) ? stripes(top + 84) : "",
    lamps: [{ x: 0.9, y: 0.2, radius: 1.3 }],
    grounds: { drive: ground, walk: ground, rest: ground },
    props: propsOn(
      random,
      INDOOR_CLUTTER,
      { top: top - 18, bottom: top - 12, scaleTop: 520, scaleBottom: 560 },
      random.below(4),
      0.3,
    ),
  };
}

/** A living room with its floor. */
export function room(random: Random): SceneDrawing {
  const skirting = 222 + random.between(-22, 18);
  const paint = wallColour(random);
  const floor = hsl(random.between(20, 40), random.between(20, 50), random.between(38, 64));
  const planks: string[] = [];
  for (let i = 1; i < 6; i++) planks.push(`M0,${n(skirting + (360 - skirting) * (i / 6) ** 1.5)} H640`);
  for (let i = 0; i < 14; i++) {
    const y = skirting + (360 - skirting) * (random.below(6) / 6) ** 1.5;
    planks.push(`M${n(random.between(0, 640))},${n(y)} v${n(8 + (y - skirting) * 0.16)}`);
  }
  const rug = hsl(random.between(0, 360), random.between(25, 60), random.between(35, 62));
  const rugX = random.between(120, 420);
  const rugY = random.between(292, 320);
  const ground = {
    top: skirting + 62,
    bottom: 354,
    scaleTop: random.between(78, 92),
    scaleBottom: random.between(100, 124),
  };
  return {
    kind: "room",
    indoors: true,
    back: [
      `<defs>${vertical("floor", darker(floor, 0.15), floor, lighter(floor, 0.08))}</defs>`,
      wall(random, skirting, paint),
      rect(0, skirting, 640, 360 - skirting, "url(#floor)"),
      line(planks.join(" "), darker(floor, 0.25), 1.3),
      random.chance(0.7)
        ? ellipse(rugX, rugY, 180, 34, rug) +
          ellipse(rugX, rugY, 150, 26, lighter(rug, 0.25)) +
          ellipse(rugX, rugY, 110, 18, rug)
        : "",
    ].join(""),
    textures: [
      { top: skirting / 360, bottom: 1, cellX: 0.3, cellY: 0.008, strength: 0.12 },
      { top: 0, bottom: skirting / 360, cellX: 0.02, cellY: 0.02, strength: 0.04 },
    ],
    front: [
      rect(0, skirting - 9, 640, 10, lighter(paint, 0.6)),
      random.chance(0.6) ? windowFrame(random, random.between(30, 440), 34) : "",
      ...Array.from({ length: random.below(4) }, () => frameOnWall(random)),
      random.chance(0.6) ? sofa(random, random.between(-20, 420), skirting + 34) : "",
      random.chance(0.5) ? floorLamp(random.between(30, 610), skirting + 22) : "",
    ].join(""),
    lamps: [{ x: random.between(0.3, 1.5), y: 0.3, radius: random.between(0.8, 1.2) }],
    grounds: { drive: ground, walk: ground, rest: ground },
    props: [
      ...propsOn(
        random,
        INDOOR_CLUTTER,
        { top: skirting + 10, bottom: skirting + 30, scaleTop: 66, scaleBottom: 76 },
        random.below(4),
      ),
      ...propsOn(
        random,
        INDOOR_CLUTTER,
        { top: 358, bottom: 372, scaleTop: 90, scaleBottom: 100 },
        random.below(2),
      ),
    ],
  };
}

/** A wall and no ground: textures and shapes of any colour, so that a detector does not learn places. */
export function plainWall(random: Random): SceneDrawing {
  const colour = hsl(random.between(0, 360), random.between(5, 60), random.between(20, 85));
  const second = mix(colour, hsl(random.between(0, 360), 50, 50), random.between(0.1, 0.6));
  const shapes = Array.from({ length: random.below(10) }, () => {
    const fill = hsl(random.between(0, 360), random.between(20, 80), random.between(25, 75));
    const x = random.between(0, 640);
    const y = random.between(0, 360);
    const size = random.between(20, 110);
    const faint = `opacity="${n(random.between(0.3, 1))}"`;
    return random.pick([
      () => circle(x, y, size * 0.6, fill, faint),
      () =>
        rect(
          x - size,
          y - size * 0.4,
          size * 2,
          size * 0.8,
          fill,
          random.between(0, 14),
          `${faint} transform="rotate(${n(random.between(0, 180))} ${n(x)} ${n(y)})"`,
        ),
      () =>
        line(
          `M${n(x)},${n(y)} q${n(size)},${n(random.between(-90, 90))} ${n(size * 2)},0`,
          fill,
          random.between(4, 26),
          faint,
        ),
      () =>
        path(`M${n(x)},${n(y)} l${n(size)},${n(size * 0.4)} l${n(-size * 0.7)},${n(size)} Z`, fill, faint),
    ])();
  });
  const ground = { top: 180, bottom: 350, scaleTop: 40, scaleBottom: 110 };
  return {
    kind: "wall",
    indoors: random.chance(0.5),
    back: [
      `<defs>${vertical("w", colour, second)}</defs>`,
      random.chance(0.5) ? rect(0, 0, 640, 360, "url(#w)") : wall(random, 360, colour),
      shapes.join(""),
    ].join(""),
    textures: [
      {
        top: 0,
        bottom: 1,
        cellX: random.between(0.005, 0.2),
        cellY: random.between(0.005, 0.1),
        strength: random.between(0.05, 0.3),
      },
    ],
    front: "",
    lamps: [{ x: random.between(0.3, 1.5), y: random.between(0, 0.8), radius: 0.9 }],
    grounds: { drive: ground, walk: ground, rest: ground },
    props: propsOn(random, INDOOR_CLUTTER, ground, random.below(4)),
  };
}

function shelf(random: Random, y: number): string {
  const parts = [rect(40, y, 560, 8, "#8a6a48")];
  for (let x = 56; x < 570; ) {
    const width = random.between(12, 44);
    const high = random.between(20, 46);
    parts.push(
      rect(
        x,
        y - high,
        width,
        high,
        hsl(random.between(0, 360), random.between(10, 45), random.between(40, 75)),
        random.between(0, 8),
      ),
    );
    x += width + random.between(2, 30);
  }
  return parts.join("");
}

function windowFrame(random: Random, x: number, y: number): string {
  const curtain = hsl(random.between(0, 360), random.between(15, 50), random.between(45, 75));
  return [
    rect(x, y, 150, 130, "#f3f1ec"),
    rect(x + 8, y + 8, 134, 114, "#b7d7ea"),
    path(`M${n(x + 8)},${n(y + 96)} q40,-30 70,-6 q34,-20 64,6 v26 h-134 Z`, "#8fb583"),
    line(`M${n(x + 75)},${n(y + 6)} v118 M${n(x + 6)},${n(y + 60)} h138`, "#f3f1ec", 6),
    path(`M${n(x - 14)},${n(y - 6)} h44 q-4,80 -30,146 h-14 Z`, curtain),
    path(`M${n(x + 164)},${n(y - 6)} h-44 q4,80 30,146 h14 Z`, curtain),
  ].join("");
}

function frameOnWall(random: Random): string {
  const x = random.between(20, 560);
  const y = random.between(20, 110);
  const width = random.between(30, 70);
  const high = random.between(30, 60);
  const art = hsl(random.between(0, 360), random.between(20, 60), random.between(40, 70));
  return (
    rect(x, y, width, high, "#4a3626", 2) +
    rect(x + 4, y + 4, width - 8, high - 8, lighter(art, 0.5)) +
    ellipse(x + width / 2, y + high * 0.6, width * 0.25, high * 0.2, art)
  );
}

function sofa(random: Random, x: number, y: number): string {
  const cloth = hsl(random.between(0, 360), random.between(12, 50), random.between(32, 60));
  return [
    rect(x, y - 96, 240, 70, darker(cloth, 0.1), 16),
    rect(x + 16, y - 50, 104, 30, lighter(cloth, 0.12), 8),
    rect(x + 120, y - 50, 104, 30, lighter(cloth, 0.12), 8),
    rect(x - 12, y - 66, 34, 62, cloth, 12),
    rect(x + 218, y - 66, 34, 62, cloth, 12),
    rect(x, y - 24, 240, 20, darker(cloth, 0.2), 4),
    rect(x + 8, y - 6, 10, 10, "#3d2c1e"),
    rect(x + 222, y - 6, 10, 10, "#3d2c1e"),
  ].join("");
}

function floorLamp(x: number, y: number): string {
  return (
    line(`M${n(x)},${n(y)} v-130`, "#44484d", 4) +
    ellipse(x, y, 20, 4, "#34373b") +
    path(`M${n(x - 16)},${n(y - 160)} h32 l12,34 h-56 Z`, "#f4e3b4")
  );
}

function stripes(y: number): string {
  return Array.from({ length: 22 }, (_, i) => path(`M${i * 30},${n(y)} h15 l-8,12 h-15 Z`, "#e2b93b")).join(
    "",
  );
}

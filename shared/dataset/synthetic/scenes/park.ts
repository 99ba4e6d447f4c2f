import type { Random } from "../../../base/random.ts";
import { OUTDOOR_CLUTTER } from "../art/clutter.ts";
import { circle, darker, ellipse, hsl, lighter, line, n, path, rect, vertical } from "../art/svg.ts";
import { clouds, tree } from "./nature.ts";
import { propsOn, type SceneDrawing } from "./scene.ts";

/** A park: hills, trees, a lawn and a path across it. */
export function park(random: Random): SceneDrawing {
  const horizon = 138 + random.between(-22, 26);
  const sky = random.pick([
    ["#7fb9e6", "#e3f1f8"],
    ["#a9c9de", "#eef3f3"],
    ["#e9b98d", "#f8e6cc"],
    ["#9fb0bd", "#dfe5e6"],
  ] as const);
  const grass = hsl(random.between(70, 125), random.between(28, 48), random.between(38, 52));
  const dry = random.chance(0.2);
  const lawn = dry ? hsl(random.between(44, 60), 38, 55) : grass;
  const way = random.pick(["#cdb892", "#b9b3a6", "#c7a987", "#a5a29c"]);
  const pathY = random.between(248, 290);
  const pathHigh = random.between(22, 40);
  const bend = random.between(-24, 24);
  const hill = (colour: string, y: number, high: number) => {
    const a = random.between(60, 240);
    const b = random.between(340, 560);
    return path(
      `M0,${n(y)} C${n(a)},${n(y - high)} ${n(a + 60)},${n(y - high)} 320,${n(y - high * 0.3)} C${n(b)},${n(y - high * 1.2)} ${n(b + 60)},${n(y - high * 0.4)} 640,${n(y - high * 0.5)} V${n(y + 40)} H0 Z`,
      colour,
    );
  };
  const flowers = Array.from({ length: random.below(40) }, () => {
    const y = random.between(horizon + 30, 350);
    const size = 1 + ((y - horizon) / 220) * 2;
    return circle(random.between(0, 640), y, size, hsl(random.between(-60, 70), 80, 70));
  });
  const trees = Array.from({ length: 3 + random.below(6) }, () => random.between(0, 640)).map((x) =>
    tree(random, x, horizon + random.between(6, 26), random.between(0.55, 1)),
  );
  const pond = random.chance(0.3)
    ? ellipse(random.between(120, 520), horizon + 42, random.between(70, 130), 16, "#88b4c9") +
      ellipse(random.between(160, 480), horizon + 40, 40, 4, "#c5dee8")
    : "";
  return {
    kind: "park",
    indoors: false,
    back: [
      `<defs>${vertical("sky", ...sky)}${vertical("lawn", lighter(lawn, 0.2), lawn, darker(lawn, 0.18))}</defs>`,
      rect(0, 0, 640, 240, "url(#sky)"),
      clouds(random),
      hill(lighter(lawn, 0.35), horizon + 6, 60),
      hill(darker(lawn, 0.12), horizon + 12, 30),
      rect(0, horizon, 640, 360 - horizon, "url(#lawn)"),
      pond,
      path(
        `M0,${n(pathY)} C200,${n(pathY - bend)} 420,${n(pathY + bend)} 640,${n(pathY - bend * 0.3)} V${n(pathY + pathHigh - bend * 0.3)} C420,${n(pathY + pathHigh + bend)} 200,${n(pathY + pathHigh - bend)} 0,${n(pathY + pathHigh)} Z`,
        way,
        `stroke="${darker(way, 0.2)}" stroke-width="2"`,
      ),
    ].join(""),
    textures: [
      { top: horizon / 360, bottom: 1, cellX: 0.007, cellY: 0.022, strength: 0.2 },
      { top: horizon / 360, bottom: 1, cellX: 0.16, cellY: 0.07, strength: 0.12 },
    ],
    front: [random.chance(0.35) ? fence(random, horizon + 22) : "", ...trees, ...flowers].join(""),
    lamps: [
      { x: random.between(0.2, 0.8), y: horizon / 360 - 0.1, radius: 0.7 },
      { x: random.between(1, 1.6), y: horizon / 360 - 0.1, radius: 0.7 },
    ],
    grounds: {
      drive: { top: 270, bottom: 340, scaleTop: random.between(46, 56), scaleBottom: random.between(66, 80) },
      walk: { top: 262, bottom: 354, scaleTop: random.between(46, 58), scaleBottom: random.between(74, 95) },
      rest: { top: 280, bottom: 350, scaleTop: 55, scaleBottom: 80 },
    },
    props: [
      ...propsOn(
        random,
        OUTDOOR_CLUTTER,
        { top: horizon + 40, bottom: 250, scaleTop: 22, scaleBottom: 42 },
        1 + random.below(4),
      ),
      ...propsOn(
        random,
        OUTDOOR_CLUTTER,
        { top: 354, bottom: 376, scaleTop: 60, scaleBottom: 70 },
        random.below(3),
      ),
    ],
  };
}

function fence(random: Random, y: number): string {
  const colour = random.pick(["#f2efe8", "#7c5c3e", "#4d5a4e"]);
  const posts: string[] = [];
  for (let x = 4; x < 640; x += 22) posts.push(`M${x},${n(y)} v-20`);
  return line(posts.join(" "), colour, 3) + line(`M0,${n(y - 15)} H640 M0,${n(y - 6)} H640`, colour, 2);
}

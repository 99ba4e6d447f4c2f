import type { Art } from "./art.ts";
import { circle, darker, ellipse, group, hsl, lighter, line, n, path, rect, vertical } from "./svg.ts";
import { spokedWheel } from "./wheels.ts";

export const bicycle: Art = {
  name: "bicycle",
  width: 300,
  height: 190,
  heightMetres: 1.08,
  motion: "drives",
  cycleMetres: 0.9,
  headlamp: [222, 60],
  draw(random, phase) {
    const colour = random.pick([
      hsl(random.between(-8, 12), 78, 46),
      hsl(random.between(195, 225), 75, 44),
      hsl(random.between(90, 170), 60, 36),
      hsl(random.between(40, 50), 90, 52),
      hsl(random.between(275, 330), 55, 46),
      "#2a2c30",
      "#e9ecee",
    ]);
    const step = random.chance(0.35);
    const drops = random.chance(0.35);
    const basket = random.chance(0.35);
    const guards = random.chance(0.5);
    const tyre = random.pick(["#1f2023", "#26231f", "#3a2c20"]);
    const saddle = random.pick(["#1d1d1f", "#5a3a22", "#3b2d25"]);
    const tube = random.between(6, 8);
    const radius = random.between(54, 58);
    const y = 188 - radius;
    const [rear, front] = [62, 238];
    const crank = { x: 138, y: y + 6 };
    const angle = phase * 2 * Math.PI;
    const pedal = (turn: number) => {
      const px = crank.x + Math.cos(angle + turn) * 22;
      const py = crank.y + Math.sin(angle + turn) * 22;
      return (
        line(`M${n(crank.x)},${n(crank.y)} L${n(px)},${n(py)}`, "#7d838a", 4.5) +
        rect(px - 9, py - 3, 18, 6, "#27282b", 2)
      );
    };
    const seat = { x: 116, y: 62 };
    const head = { x: 208, y: 66 };
    return [
      `<defs>${vertical("tube", lighter(colour, 0.3), colour, darker(colour, 0.25))}</defs>`,
      spokedWheel(rear, y, radius, phase * 14, tyre, 8),
      spokedWheel(front, y, radius, phase * 14, tyre, 8),
      guards
        ? line(
            `M${rear - radius - 1},${y} A${n(radius + 4)},${n(radius + 4)} 0 0 1 ${rear + 42},${y - 42}`,
            colour,
            4,
          ) +
          line(
            `M${front - 50},${y - 32} A${n(radius + 4)},${n(radius + 4)} 0 0 1 ${front + 44},${y - 38}`,
            colour,
            4,
          )
        : "",
      pedal(Math.PI),
      line(`M${rear},${y} L${crank.x},${crank.y}`, darker(colour, 0.15), tube * 0.7),
      line(`M${rear},${y} L${seat.x + 4},${seat.y + 16}`, darker(colour, 0.15), tube * 0.7),
      line(`M${crank.x},${crank.y} L${seat.x},${seat.y}`, colour, tube),
      line(`M${crank.x},${crank.y} L${head.x},${head.y + 14}`, colour, tube),
      step
        ? line(`M${crank.x - 10},${crank.y - 30} C160,118 190,100 ${head.x - 2},${head.y + 4}`, colour, tube)
        : line(`M${seat.x + 3},${seat.y + 12} L${head.x - 2},${head.y + 2}`, colour, tube),
      line(`M${head.x - 4},${head.y - 14} L${head.x + 4},${head.y + 16} L${front},${y}`, colour, tube),
      line(`M${head.x - 4},${head.y - 14} L${head.x - 9},${head.y - 34}`, "#8a9097", 5),
      drops
        ? line(`M${head.x - 12},${head.y - 34} h26 c14,0 16,22 2,24 h-8`, "#232427", 6)
        : line(
            `M${head.x - 36},${head.y - 40} C${head.x - 14},${head.y - 44} ${head.x - 4},${head.y - 34} ${head.x + 10},${head.y - 40}`,
            "#2a2b2e",
            6,
          ),
      basket
        ? path(
            `M${head.x + 4},${head.y - 28} h48 l-7,36 h-34 Z`,
            "#b98a55",
            `stroke="#7d5a31" stroke-width="2"`,
          ) +
          line(
            `M${head.x + 8},${head.y - 16} h40 M${head.x + 10},${head.y - 4} h36 M${head.x + 20},${head.y - 26} v32 M${head.x + 36},${head.y - 26} v32`,
            "#7d5a31",
            2,
          )
        : circle(head.x + 12, head.y - 6, 6, "#fff2c0", `stroke="#666" stroke-width="2"`),
      line(`M${seat.x},${seat.y} L${seat.x - 5},${seat.y - 24}`, "#8a9097", 5),
      path(
        `M${seat.x - 34},${seat.y - 34} C${seat.x - 20},${seat.y - 36} ${seat.x + 6},${seat.y - 34} ${seat.x + 26},${seat.y - 27} C${seat.x + 10},${seat.y - 20} ${seat.x - 4},${seat.y - 18} ${seat.x - 20},${seat.y - 18} C${seat.x - 34},${seat.y - 20} ${seat.x - 40},${seat.y - 28} ${seat.x - 34},${seat.y - 34} Z`,
        saddle,
      ),
      circle(crank.x, crank.y, 15, "none", `stroke="#3c3f44" stroke-width="4.5"`),
      circle(crank.x, crank.y, 5, "#74797f"),
      line(
        `M${rear},${y - 6} L${crank.x},${crank.y - 15} M${rear},${y + 6} L${crank.x},${crank.y + 15}`,
        "#44474c",
        1.6,
      ),
      pedal(0),
    ].join("");
  },
};

export const motorbike: Art = {
  name: "motorbike",
  width: 310,
  height: 180,
  heightMetres: 1.15,
  motion: "drives",
  cycleMetres: 0.45,
  headlamp: [230, 55],
  draw(random, phase) {
    const colour = random.pick([
      hsl(random.between(-6, 8), 82, 45),
      hsl(random.between(200, 225), 78, 44),
      hsl(random.between(95, 130), 65, 38),
      hsl(random.between(22, 48), 92, 51),
      "#26282c",
      "#dfe3e6",
    ]);
    const scooter = random.chance(0.4);
    const radius = scooter ? 36 : 46;
    const y = 178 - radius;
    const rear = scooter ? 66 : 58;
    const front = scooter ? 244 : 250;
    const tyre = (x: number) =>
      group(
        `translate(${x} ${n(y)})`,
        circle(0, 0, radius, "#1a1b1e"),
        circle(0, 0, radius * 0.66, "#8d949b"),
        circle(0, 0, radius * 0.56, "#2c2e32"),
        Array.from({ length: 6 }, (_, i) => {
          const a = ((i + phase) / 6) * 2 * Math.PI;
          return line(
            `M0,0 L${n(Math.cos(a) * radius * 0.58)},${n(Math.sin(a) * radius * 0.58)}`,
            "#aab0b7",
            radius * 0.1,
          );
        }).join(""),
        circle(0, 0, radius * 0.16, "#60656b"),
      );
    const defs = `<defs>${vertical("paint", lighter(colour, 0.4), colour, darker(colour, 0.3))}</defs>`;
    if (scooter) {
      return [
        defs,
        tyre(rear),
        tyre(front),
        line(`M216,52 L${front - 2},${n(y)}`, "#6b7077", 9),
        path(
          "M22,112 C26,84 60,72 112,74 C128,76 136,90 140,128 L196,130 C190,104 192,72 204,50 L220,44 C232,70 238,92 236,112 C226,132 216,146 206,150 L96,150 C100,118 40,104 22,112 Z",
          "url(#paint)",
          `stroke="${darker(colour, 0.4)}" stroke-width="2"`,
        ),
        path(
          `M${front - 40},${n(y - 22)} C${front - 24},${n(y - 50)} ${front + 26},${n(y - 48)} ${front + 38},${n(y - 10)} C${front + 10},${n(y - 30)} ${front - 14},${n(y - 28)} ${front - 40},${n(y - 22)} Z`,
          "url(#paint)",
        ),
        path("M34,72 C30,62 44,56 70,58 C96,52 116,58 134,66 C136,74 128,80 112,80 L48,82 Z", "#2a201b"),
        line("M190,38 C202,34 212,38 216,48", "#26282b", 7),
        circle(224, 52, 10, "#fff3c4", `stroke="#82868b" stroke-width="3"`),
        rect(14, 92, 12, 12, "#cc2a2e", 4),
        line("M206,46 L196,20", "#85898e", 3),
        ellipse(193, 16, 10, 7, "#3a3d42"),
      ].join("");
    }
    return [
      defs,
      line(`M${rear},${n(y)} L140,${n(y)}`, "#4a4d52", 9),
      line(`M20,${n(y + 6)} C60,${n(y + 18)} 100,${n(y + 14)} 150,${n(y + 4)}`, "#b5bbc1", 11),
      tyre(rear),
      tyre(front),
      line(`M212,46 L${front},${n(y)}`, "#9aa0a6", 9),
      line(`M220,60 L${front + 2},${n(y - 10)}`, "#5a5e64", 11),
      path("M112,88 L200,84 L206,128 L180,150 L122,148 Z", "#3b3d42"),
      circle(150, 122, 22, "#6d7278", `stroke="#94999f" stroke-width="4"`),
      line("M176,96 l18,30 M168,98 l18,30", "#8d9298", 5),
      path(
        "M118,72 C124,44 168,36 206,50 C214,58 212,78 198,86 L124,90 C116,86 116,78 118,72 Z",
        "url(#paint)",
        `stroke="${darker(colour, 0.4)}" stroke-width="2"`,
      ),
      path(
        "M136,58 C154,48 176,48 190,54",
        "none",
        `stroke="#fff" stroke-width="4" opacity="0.5" stroke-linecap="round"`,
      ),
      path("M20,66 C34,58 84,62 122,72 L124,88 C90,90 50,86 34,80 C24,78 18,72 20,66 Z", "#26211f"),
      path("M34,84 C60,88 90,92 118,92 L104,112 C84,100 54,94 34,84 Z", "url(#paint)"),
      path(
        `M${front - 52},${n(y - 26)} C${front - 30},${n(y - 60)} ${front + 30},${n(y - 56)} ${front + 46},${n(y - 16)} C${front + 16},${n(y - 42)} ${front - 20},${n(y - 40)} ${front - 52},${n(y - 26)} Z`,
        "url(#paint)",
      ),
      path("M206,40 C222,34 238,44 240,62 C232,72 216,72 206,64 Z", "url(#paint)"),
      circle(232, 56, 11, "#fff4c8", `stroke="#85898e" stroke-width="3"`),
      line("M178,30 C192,26 204,30 212,44", "#222326", 7),
      rect(12, 70, 12, 10, "#cc2a2e", 3),
      line("M206,40 L198,16", "#85898e", 3),
      ellipse(195, 12, 10, 7, "#35383c"),
    ].join("");
  },
};

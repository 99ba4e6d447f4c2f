import type { Random } from "../../../base/random.ts";
import { circle, darker, ellipse, group, hsl, lighter, n, path } from "../art/svg.ts";

/** A few soft clouds for the upper part of a view. */
export function clouds(random: Random): string {
  return Array.from({ length: random.below(5) }, () => {
    const x = random.between(0, 640);
    const y = random.between(10, 90);
    const size = random.between(0.6, 1.5);
    return group(
      `translate(${n(x)} ${n(y)}) scale(${n(size)})`,
      [
        [0, 0, 34],
        [28, 4, 24],
        [-30, 5, 22],
        [8, -12, 22],
      ]
        .map(([cx, cy, r]) => ellipse(cx!, cy!, r!, r! * 0.45, "#ffffff", `opacity="0.55"`))
        .join(""),
    );
  }).join("");
}

/** A broad-leaved tree whose trunk stands at (x, y). */
export function tree(random: Random, x: number, y: number, size = 1): string {
  const leaf = hsl(random.between(75, 140), random.between(28, 50), random.between(28, 42));
  const tall = random.between(80, 120) * size;
  const blobs = Array.from({ length: 16 }, (_, i) => {
    const angle = random.between(0, 2 * Math.PI);
    const out = random.between(6, 34) * size;
    return circle(
      x + Math.cos(angle) * out,
      y - tall + Math.sin(angle) * out * 0.8,
      random.between(12, 24) * size,
      i < 6 ? darker(leaf, 0.25) : lighter(leaf, random.between(0, 0.18)),
    );
  });
  return (
    path(
      `M${n(x - 5 * size)},${n(y)} L${n(x - 3 * size)},${n(y - tall + 20)} h${n(6 * size)} L${n(x + 5 * size)},${n(y)} Z`,
      "#5f4733",
    ) + blobs.join("")
  );
}

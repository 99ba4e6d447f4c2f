import { circle, darker, group, line, n } from "./svg.ts";

/** A car's wheel with five spokes; `phase` 0 to 1 turns it from one spoke to the next, so that it loops. */
export function wheel(
  x: number,
  y: number,
  radius: number,
  phase: number,
  rim = "#c9ced4",
  spokes = 5,
): string {
  const arms: string[] = [];
  for (let i = 0; i < spokes; i++) {
    const angle = ((i + phase) / spokes) * 2 * Math.PI;
    arms.push(
      line(
        `M0,0 L${n(Math.cos(angle) * radius * 0.56)},${n(Math.sin(angle) * radius * 0.56)}`,
        rim,
        radius * 0.17,
      ),
    );
  }
  return group(
    `translate(${n(x)} ${n(y)})`,
    circle(0, 0, radius, "#1d1e21"),
    circle(0, 0, radius * 0.8, "#34363b"),
    circle(0, 0, radius * 0.66, darker(rim, 0.62)),
    circle(0, 0, radius * 0.6, "none", `stroke="${rim}" stroke-width="${n(radius * 0.12)}"`),
    ...arms,
    circle(0, 0, radius * 0.17, darker(rim, 0.25)),
  );
}

/** A wheel of wire spokes with a thin tyre, as on a bicycle. */
export function spokedWheel(
  x: number,
  y: number,
  radius: number,
  phase: number,
  tyre: string,
  tyreWidth: number,
): string {
  const spokes = 14;
  const wires: string[] = [];
  for (let i = 0; i < spokes; i++) {
    const angle = ((i + phase) / spokes) * 2 * Math.PI;
    wires.push(`M0,0 L${n(Math.cos(angle) * radius * 0.94)},${n(Math.sin(angle) * radius * 0.94)}`);
  }
  return group(
    `translate(${n(x)} ${n(y)})`,
    line(wires.join(" "), "#b4bac2", tyreWidth * 0.24),
    circle(0, 0, radius - tyreWidth * 1.1, "none", `stroke="#c3c8ce" stroke-width="${n(tyreWidth * 0.5)}"`),
    circle(0, 0, radius - tyreWidth / 2, "none", `stroke="${tyre}" stroke-width="${n(tyreWidth)}"`),
    circle(0, 0, tyreWidth * 1.1, "#6b7077"),
  );
}

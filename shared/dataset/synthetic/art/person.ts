import type { Art } from "./art.ts";
import { cloth, head, randomLooks } from "./head.ts";
import { circle, darker, group, hsl, lighter, line, n, path, rect } from "./svg.ts";

/** A joint chain of two bones: where the far end is, for angles from straight down, forward positive. */
function limb(x: number, y: number, upper: number, lower: number, upperAngle: number, lowerAngle: number) {
  const kneeX = x + Math.sin(upperAngle) * upper;
  const kneeY = y + Math.cos(upperAngle) * upper;
  return {
    kneeX,
    kneeY,
    endX: kneeX + Math.sin(lowerAngle) * lower,
    endY: kneeY + Math.cos(lowerAngle) * lower,
    d: `M${n(x)},${n(y)} L${n(kneeX)},${n(kneeY)} L${n(kneeX + Math.sin(lowerAngle) * lower)},${n(kneeY + Math.cos(lowerAngle) * lower)}`,
  };
}

export const person: Art = {
  name: "person",
  width: 200,
  height: 340,
  heightMetres: 1.78,
  motion: "walks",
  cycleMetres: 1.5,
  draw(random, phase) {
    const looks = randomLooks(random);
    const { skin } = looks;
    const top = cloth(random);
    const legs = random.pick([
      hsl(218, random.between(30, 50), random.between(24, 42)),
      "#2b2c31",
      "#6e5c48",
      "#b7a98c",
      cloth(random),
    ]);
    const shoe = random.pick(["#f0efec", "#2a2320", "#7a4526", hsl(random.between(0, 360), 60, 45)]);
    const style = { skirt: random.chance(0.25), coat: random.chance(0.25), shorts: random.chance(0.2) };
    const extra = random.below(5);
    const girth = random.between(0.86, 1.2);
    const bagColour = cloth(random);
    const stride = random.between(0.4, 0.55);

    const swing = Math.sin(phase * 2 * Math.PI);
    const lift = Math.cos(phase * 2 * Math.PI);
    const bob = -Math.abs(lift) * 3 + 3;
    const hipX = 78;
    const hipY = 186 + bob;
    const leg = (direction: number) => {
      const hip = swing * direction * stride;
      // A knee bends while its leg comes forward.
      const knee = hip - 0.12 - Math.max(0, lift * direction) * 0.75;
      return limb(hipX, hipY, 70, 66, hip, knee);
    };
    const drawLeg = (direction: number, shadeBy: number) => {
      const bones = leg(direction);
      const width = 25 * girth;
      const trouser = darker(legs, shadeBy);
      const bare = darker(skin, shadeBy);
      const toe = darker(shoe, shadeBy);
      const thigh = `M${n(hipX)},${n(hipY)} L${n(bones.kneeX)},${n(bones.kneeY)}`;
      return [
        line(bones.d, style.skirt || style.shorts ? bare : trouser, width * 0.86),
        style.shorts && !style.skirt ? line(thigh, trouser, width * 1.1) : "",
        path(
          `M${n(bones.endX - 12)},${n(bones.endY - 2)} h18 c8,2 18,6 20,14 h-38 Z`,
          toe,
          `stroke="${darker(toe, 0.3)}" stroke-width="1.5" stroke-linejoin="round"`,
        ),
      ].join("");
    };
    const shoulderX = 80;
    const shoulderY = 92 + bob;
    const arm = (direction: number, shadeBy: number) => {
      const angle = -swing * direction * stride * 1.05;
      const bones = limb(shoulderX, shoulderY, 48, 46, angle, angle + 0.35);
      return [
        line(bones.d, darker(top, shadeBy), 18 * girth),
        circle(bones.endX, bones.endY + 5, 9, darker(skin, shadeBy)),
      ].join("");
    };
    const wide = 29 * girth;
    const hem = style.coat ? hipY + 44 : hipY + 8;
    const torso = `M${n(80 - wide * 0.8)},${n(shoulderY - 6)} C${n(80 - wide * 0.4)},${n(shoulderY - 17)} ${n(80 + wide * 0.5)},${n(shoulderY - 17)} ${n(80 + wide * 0.85)},${n(shoulderY - 4)} C${n(80 + wide)},${n(shoulderY + 30)} ${n(78 + wide * 0.86)},${n(hipY - 30)} ${n(78 + wide * (style.coat ? 1.1 : 0.86))},${n(hem)} L${n(78 - wide * (style.coat ? 1.05 : 0.84))},${n(hem)} C${n(78 - wide * 0.9)},${n(hipY - 30)} ${n(80 - wide)},${n(shoulderY + 30)} ${n(80 - wide * 0.8)},${n(shoulderY - 6)} Z`;
    const headY = 46 + bob;
    return group(
      "translate(20 8)",
      arm(-1, 0.3),
      drawLeg(-1, 0.25),
      extra === 1 ? rect(80 - wide - 18, shoulderY + 2, 32, 66, darker(bagColour, 0.1), 12) : "",
      drawLeg(1, 0),
      style.skirt
        ? path(
            `M${n(78 - wide * 0.8)},${n(hipY - 12)} L${n(78 + wide * 0.84)},${n(hipY - 12)} L${n(84 + wide + swing * 5)},${n(hipY + 66)} L${n(72 - wide + swing * 5)},${n(hipY + 66)} Z`,
            legs,
          )
        : "",
      rect(72, headY + 18, 19, 26, darker(skin, 0.12), 6),
      path(torso, top),
      path(
        `M${n(80 - wide * 0.8)},${n(shoulderY - 6)} C${n(80 - wide)},${n(shoulderY + 30)} ${n(78 - wide * 0.9)},${n(hipY - 30)} ${n(78 - wide * 0.84)},${n(hem)} L${n(78 - wide * 0.3)},${n(hem)} C${n(80 - wide * 0.4)},${n(hipY - 40)} ${n(80 - wide * 0.4)},${n(shoulderY + 20)} ${n(80 - wide * 0.2)},${n(shoulderY - 12)} Z`,
        "#000000",
        `opacity="0.13"`,
      ),
      extra === 2
        ? line(
            `M${n(80 - wide * 0.6)},${n(shoulderY + 20)} h${n(wide * 1.4)} M${n(80 - wide * 0.7)},${n(shoulderY + 44)} h${n(wide * 1.5)}`,
            lighter(top, 0.6),
            8,
          )
        : "",
      extra === 3
        ? line(
            `M${n(80 - wide * 0.5)},${n(shoulderY - 8)} L${n(82 + wide * 0.7)},${n(hipY - 14)}`,
            darker(bagColour, 0.3),
            6,
          ) + rect(84, hipY - 16, 34, 30, bagColour, 6)
        : "",
      style.coat
        ? line(`M${n(86 + wide * 0.3)},${n(shoulderY - 8)} V${n(hem - 4)}`, darker(top, 0.35), 2.5)
        : "",
      head(headY, looks),
      extra === 4
        ? path(
            `M54,${n(headY - 12)} C56,${n(headY - 42)} 104,${n(headY - 42)} 108,${n(headY - 13)} Z`,
            bagColour,
          ) +
            path(
              `M92,${n(headY - 15)} L126,${n(headY - 11)} q2,6 -6,6 L92,${n(headY - 8)} Z`,
              darker(bagColour, 0.25),
            )
        : "",
      arm(1, 0.08),
    );
  },
};

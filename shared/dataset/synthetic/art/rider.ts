import type { Art } from "./art.ts";
import { cloth, head, randomLooks } from "./head.ts";
import { type Colour, circle, darker, group, hsl, lighter, line, n, path } from "./svg.ts";
import { bicycle, motorbike } from "./two-wheelers.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where a rider touches the machine, in the machine's drawing. */
interface Seat {
  readonly machine: Art;
  readonly hip: Point;
  readonly shoulder: Point;
  readonly hand: Point;
  foot(turn: number): Point;
  readonly helmet: boolean;
}

const ROOM_ABOVE = 140;

/** Somebody who rides, in the place of the machine's view box with room above: drawn over it with the same stance. */
function rider(seat: Seat): Art {
  const height = seat.machine.height + ROOM_ABOVE;
  return {
    name: "person",
    width: seat.machine.width,
    height,
    heightMetres: (seat.machine.heightMetres * height) / seat.machine.height,
    motion: seat.machine.motion,
    cycleMetres: seat.machine.cycleMetres,
    draw(random, phase) {
      const looks = randomLooks(random);
      const top = cloth(random);
      const legs = hsl(random.between(200, 240), random.between(10, 50), random.between(18, 45));
      const helmet = cloth(random);
      const wears = seat.helmet || random.chance(0.5);
      const { hip, shoulder, hand } = seat;
      const leg = (turn: number, shade: number) => {
        const foot = seat.foot(phase * 2 * Math.PI + turn);
        const knee = joint(hip, foot, 74, 76, 1);
        return (
          line(
            `M${n(hip.x)},${n(hip.y)} L${n(knee.x)},${n(knee.y)} L${n(foot.x - 3)},${n(foot.y - 8)}`,
            darker(legs, shade),
            22,
          ) + path(`M${n(foot.x - 13)},${n(foot.y - 10)} h16 q12,3 14,10 h-30 Z`, darker("#3a2a22", shade))
        );
      };
      const elbow = joint(shoulder, hand, 46, 46, -1);
      const arm = (shade: number) =>
        line(
          `M${n(shoulder.x)},${n(shoulder.y + 6)} L${n(elbow.x)},${n(elbow.y)} L${n(hand.x)},${n(hand.y)}`,
          darker(top, shade),
          15,
        ) + circle(hand.x, hand.y, 8, darker(looks.skin, shade));
      const crown: Point = { x: shoulder.x + 14, y: shoulder.y - 46 };
      return group(
        `translate(0 ${ROOM_ABOVE})`,
        arm(0.3),
        leg(Math.PI, 0.25),
        line(`M${n(hip.x + 2)},${n(hip.y - 6)} L${n(shoulder.x - 4)},${n(shoulder.y + 6)}`, top, 44),
        line(
          `M${n(hip.x - 10)},${n(hip.y - 8)} L${n(shoulder.x - 18)},${n(shoulder.y + 8)}`,
          darker(top, 0.14),
          16,
        ),
        leg(0, 0),
        line(
          `M${n(shoulder.x + 2)},${n(shoulder.y - 4)} L${n(crown.x - 4)},${n(crown.y + 24)}`,
          darker(looks.skin, 0.12),
          17,
        ),
        group(
          `translate(${n(crown.x - 83)} ${n(crown.y - 46)})`,
          head(46, looks),
          wears ? helmetOn(helmet, seat.helmet) : "",
        ),
        arm(0.06),
      );
    },
  };
}

function helmetOn(colour: Colour, full: boolean): string {
  return full
    ? path("M54,56 C46,8 112,0 114,40 L92,42 L88,64 C78,76 58,72 54,56 Z", colour) +
        line("M62,26 C72,14 92,12 102,20", lighter(colour, 0.6), 4, `opacity="0.6"`)
    : path("M54,36 C54,2 112,2 114,34 C96,30 74,32 54,36 Z", colour) +
        line("M70,14 L74,30 M88,10 L90,29", darker(colour, 0.35), 3.5);
}

/** The joint of two bones between two points; `side` 1 bends forward. */
function joint(from: Point, to: Point, upper: number, lower: number, side: number): Point {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const reach = Math.min(Math.hypot(dx, dy), upper + lower - 1);
  const along = (upper ** 2 - lower ** 2 + reach ** 2) / (2 * reach);
  const off = Math.sqrt(Math.max(0, upper ** 2 - along ** 2)) * side;
  const [ux, uy] = [dx / Math.hypot(dx, dy), dy / Math.hypot(dx, dy)];
  return { x: from.x + ux * along + uy * off, y: from.y + uy * along - ux * off };
}

const RIDERS: Readonly<Record<string, Art>> = {
  bicycle: rider({
    machine: bicycle,
    hip: { x: 112, y: 26 },
    shoulder: { x: 158, y: -50 },
    hand: { x: 204, y: 26 },
    foot: (turn) => ({ x: 138 + Math.cos(turn) * 22, y: 138 + Math.sin(turn) * 22 }),
    helmet: false,
  }),
  motorbike: rider({
    machine: motorbike,
    hip: { x: 98, y: 56 },
    shoulder: { x: 128, y: -28 },
    hand: { x: 192, y: 34 },
    foot: () => ({ x: 160, y: 142 }),
    helmet: true,
  }),
};

/** Who rides a machine of this class; undefined when it needs nobody. */
export function riderOf(className: string): Art | undefined {
  return Object.hasOwn(RIDERS, className) ? RIDERS[className] : undefined;
}

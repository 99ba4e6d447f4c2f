import type { Random } from "../../../base/random.ts";

/** How a thing gets about, which decides its paths through a scene. */
export type Motion = "drives" | "walks" | "flies" | "rolls" | "stands";

/** A thing that can be drawn: a parametric picture in SVG, seen from the side and facing right. */
export interface Art {
  readonly name: string;
  /** The view box, in the drawing's own units; the thing stands on its bottom edge. */
  readonly width: number;
  readonly height: number;
  /** Real height of the whole view box, metres: what perspective needs. */
  readonly heightMetres: number;
  readonly motion: Motion;
  /** Way along the ground in one cycle of `phase`, metres; for what stays in place, 0. */
  readonly cycleMetres: number;
  /** Where its headlamp is, in the drawing's units. */
  readonly headlamp?: readonly [x: number, y: number];
  /**
   * @param random takes the style (colours, proportions): the same stream gives the same individual
   * @param phase 0 to 1, the point in the cycle of its legs, wheels or wings
   */
  draw(random: Random, phase: number): string;
}

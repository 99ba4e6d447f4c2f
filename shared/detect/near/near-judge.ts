import type { Track } from "../tracker.ts";
import type { Box, FrameSize } from "../types.ts";
import { GroundDistance } from "./distance.ts";
import { crossing, isInside, type Point } from "./geometry.ts";
import { type CameraRules, isSameClass, type Zone } from "./rules.ts";

/** Feet below the picture stand just inside it: a zone that is drawn down to the edge holds them. */
const FOOT_MAX = 0.999;

/** Where a track is, for the rules: in shares of the picture. */
interface TrackFacts {
  readonly foot: Point;
  readonly height: number;
  readonly className: string;
}

/** What is remembered of a track. */
interface Way {
  foot: Point;
  /** When it came into each zone that it is in. */
  readonly inZoneSinceMs: Map<Zone, number>;
  crossed: string | undefined;
}

/** Says of each track of a camera whether it is near, by the camera's rules. */
export class NearJudge {
  readonly #rules: CameraRules;
  readonly #classes: readonly string[];
  readonly #heightMin: number;
  readonly #distance: GroundDistance | undefined;
  readonly #ways = new Map<number, Way>();

  /**
   * @param classes names of the model's classes
   * @param heightMin where the rules say nothing: share of the picture's height
   */
  constructor(rules: CameraRules, classes: readonly string[], heightMin: number) {
    this.#rules = rules;
    this.#classes = classes;
    this.#heightMin = rules.heightMin ?? heightMin;
    this.#distance = rules.distance && new GroundDistance(rules.distance.marks);
  }

  /** Whether a thing stands where nothing is looked for. */
  isMasked(box: Box, frame: FrameSize): boolean {
    const middle: Point = [(box[0] + box[2]) / 2 / frame.width, (box[1] + box[3]) / 2 / frame.height];
    return this.#rules.masks?.some((mask) => isInside(middle, mask)) ?? false;
  }

  /**
   * To be asked for each track at each frame that found it: zones count the time, and lines need the way.
   *
   * @returns by which zone or line the track is near ("" where none are drawn), `undefined` while it is not
   */
  judge(track: Track, frame: FrameSize, atMs: number): string | undefined {
    const { foot, height, className } = this.#factsOf(track, frame);
    const way = this.#ways.get(track.id) ?? { foot, inZoneSinceMs: new Map(), crossed: undefined };
    this.#ways.set(track.id, way);
    const { zones = [], lines = [] } = this.#rules;

    for (const line of lines) {
      const side = crossing(way.foot, foot, line.from, line.to);
      const wanted = line.direction === "both" || (line.direction === "left-to-right") === side > 0;
      if (side !== 0 && wanted && counts(line.classes, className)) way.crossed = line.name;
    }
    way.foot = foot;
    // Each of them is asked, so that each knows since when.
    const [zone] = zones.filter((one) => {
      if (!this.#isIn(one, { foot, height, className })) {
        way.inZoneSinceMs.delete(one);
        return false;
      }
      const sinceMs = way.inZoneSinceMs.get(one) ?? atMs;
      way.inZoneSinceMs.set(one, sinceMs);
      return atMs - sinceMs >= (one.dwellMs ?? 0);
    });

    if (this.#isFar(foot)) return undefined;
    if (zone !== undefined) return zone.name;
    if (height < this.#heightMin) return undefined;
    if (way.crossed !== undefined) return way.crossed;
    return zones.length === 0 && lines.length === 0 ? "" : undefined;
  }

  /**
   * Whether what was near by a zone or line earlier is near by it still: the time that it was there and the way that it
   * came count as done.
   *
   * @param zone as `judge` gave it; one that is not drawn any more holds nothing
   */
  holds(zone: string, track: Track, frame: FrameSize): boolean {
    const facts = this.#factsOf(track, frame);
    const { zones = [], lines = [] } = this.#rules;
    if (this.#isFar(facts.foot)) return false;
    if (zones.some((one) => one.name === zone && this.#isIn(one, facts))) return true;
    if (facts.height < this.#heightMin) return false;
    if (zone === "") return zones.length === 0 && lines.length === 0;
    return lines.some(({ name, classes }) => name === zone && counts(classes, facts.className));
  }

  forget(trackId: number): void {
    this.#ways.delete(trackId);
  }

  #factsOf(track: Track, frame: FrameSize): TrackFacts {
    const [x1, y1, x2, y2] = track.seen.box;
    return {
      foot: [(x1 + x2) / 2 / frame.width, Math.min(FOOT_MAX, y2 / frame.height)],
      height: (y2 - y1) / frame.height,
      className: this.#classes[track.classIndex] ?? "",
    };
  }

  #isIn({ polygon, classes, heightMin }: Zone, { foot, height, className }: TrackFacts): boolean {
    return counts(classes, className) && height >= (heightMin ?? this.#heightMin) && isInside(foot, polygon);
  }

  #isFar([, footY]: Point): boolean {
    const { distance } = this.#rules;
    return distance !== undefined && this.#distance!.at(footY) > distance.nearMeters;
  }
}

function counts(classes: readonly string[] | undefined, className: string): boolean {
  return classes === undefined || classes.some((name) => isSameClass(name, className));
}

import type { VisitRules } from "../../shared/detect/visits.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import type { DeviceChoice } from "../../shared/nn/engine.ts";
import type { RetentionRules } from "../../shared/store/retention.ts";
import type { Sighting } from "../../shared/store/sighting.ts";

/** Who is it? A face model that names what was detected. */
export interface FacesOptions {
  /** A face model's file, or one of the trainer's by name. */
  readonly model: { readonly file: string } | { readonly name: string };
  /** Classes of the detector whose objects are named. */
  readonly classes: readonly string[];
  /** Least mean score of a name over a track, 0 to 1; below it the person is unknown. */
  readonly scoreMin: number;
}

/** What counts as a sighting, at every camera. */
export interface WatchRules extends Omit<VisitRules, "thresholds"> {
  /** *Near*, where a rules file says nothing else: at least so high, as a share of the picture's height. */
  readonly nearHeightShare: number;
}

/** What starts a tester. */
export interface TesterOptions {
  readonly site: Site;
  readonly listen: Address;
  readonly dataDir: string;
  /** A model file, or a model of the trainer's by name (the newest of any name when absent). */
  readonly model: { readonly file: string } | { readonly name: string | undefined };
  /** Nobody is named when absent. */
  readonly faces?: FacesOptions | undefined;
  /** Where the trainer is; found on the network when absent. Not needed with a model file. */
  readonly trainer: Address | undefined;
  /** Where the cameras are; found on the network when empty. */
  readonly videos: readonly Address[];
  readonly device: DeviceChoice;
  /** Threads that look at pictures. */
  readonly threads: number;
  /** Pictures of one camera that are looked at each second. */
  readonly framesPerSecondMax: number;
  readonly rules: WatchRules;
  /** A file of zones, lines, masks and thresholds by camera, read again when it changes. */
  readonly rulesFile?: { readonly path: string; readonly mayBeAbsent: boolean };
  /** How much of the log is kept; everything when absent. */
  readonly keep?: RetentionRules;
  /** Tell the network where this tester is. */
  readonly announce: boolean;
  readonly onReady?: (address: Address) => void;
  /** Called after each change of the log. */
  readonly onSighting?: (sighting: Sighting) => void;
  /** Stop when every camera has ended: for files. */
  readonly endWithCameras?: boolean;
}

export const DEFAULT_RULES: WatchRules = {
  hitsMin: 3,
  nearHeightShare: 0.06,
  rejoinMs: 4000,
  rejoinStillMs: 20_000,
};

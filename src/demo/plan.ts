/** What the demo does, in numbers. */
export interface DemoPlan {
  readonly classes: number;
  readonly cameras: number;
  readonly workers: number;
  /** How long the whole demo lasts; until it is stopped when absent. */
  readonly seconds: number | undefined;
  readonly pictures: number;
  readonly trainingMinutes: number;
  /** Input side of the network, in px. */
  readonly sizePx: number;
}

/** Names that the demo gives its cameras; more get numbers. */
const CAMERA_NAMES = ["kitchen", "street", "market", "park"];
/** Training takes this long, or this share of a demo that must end. */
const TRAINING_SECONDS = 90;
const TRAINING_SHARE = 0.3;

export function planDemo(wishes: Pick<DemoPlan, "classes" | "cameras" | "workers" | "seconds">): DemoPlan {
  const trainingSeconds = Math.min(
    TRAINING_SECONDS,
    TRAINING_SHARE * (wishes.seconds ?? Number.POSITIVE_INFINITY),
  );
  return { ...wishes, pictures: 400, trainingMinutes: trainingSeconds / 60, sizePx: 256 };
}

export function cameraName(index: number): string {
  return CAMERA_NAMES[index] ?? `camera-${index + 1}`;
}

/** Scenes of neighbouring seeds show the classes in turn. */
export function cameraSeed(index: number): number {
  return 1 + index;
}

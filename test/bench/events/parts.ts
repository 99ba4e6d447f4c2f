import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import { SyntheticMovie } from "../../../shared/dataset/synthetic/movie.ts";
import { writeClipDataset } from "../../support/clip-dataset.ts";
import { dataPath } from "../../support/data.ts";
import type { TrueEvent } from "./score-events.ts";
import { writeStreetFrames } from "./street-frames.ts";

/** What a part of the benchmark watches, and what is true of it. */
export interface Footage {
  /** `NAME=SOURCE`, as `vigia watch` takes them. */
  readonly cameras: readonly string[];
  readonly events: readonly TrueEvent[];
  /** Events that need not be recorded: too short for anybody to be sure. */
  readonly isMinor?: (event: TrueEvent) => boolean;
  /** How far a sighting's times may lie beside its event. */
  readonly slackMs: number;
}

export interface Part {
  readonly name: string;
  /** Of training, where no model is given. */
  readonly minutes: number;
  /** Writes the data set to train on below `folder`, or names one; `undefined` where it is not at hand. */
  readonly dataset: (folder: string) => Promise<string | undefined>;
  readonly footage: (folder: string) => Promise<Footage>;
}

const SLIDE_MS = 2000;
const STREET_CLASSES = 8;
/** Seeds of streets (every fourth); 18 and 38 are night. */
const STREET_SEEDS = [2, 6, 10, 14, 18, 22, 26, 38];
/** About 25 visits a camera. */
const STREET_MS = 130_000;
/** A street's visit shorter than this need not be recorded. */
const VISIT_MS_MIN = 1000;
const CLIP_FPS = 12.5;

export const PARTS: readonly Part[] = [
  {
    name: "clip",
    minutes: 1.5,
    dataset: (folder) => {
      const [clip, truth] = [dataPath("video/car-detection.mp4"), dataPath("video/car-detection.gt.csv")];
      if (clip === undefined || truth === undefined) return Promise.resolve(undefined);
      writeClipDataset(folder, { clip, truth });
      return Promise.resolve(folder);
    },
    footage: () => {
      const lines = readFileSync(dataPath("video/car-detection.events.csv")!, "utf8").trim().split(/\r?\n/);
      const events = lines.slice(1).map((line): TrueEvent => {
        const [className = "", first, last] = line.split(",");
        return {
          camera: "clip",
          className,
          fromMs: (1000 * Number(first)) / CLIP_FPS,
          untilMs: (1000 * Number(last)) / CLIP_FPS,
        };
      });
      return Promise.resolve({
        cameras: [`clip=${dataPath("video/car-detection.mp4")}`],
        events,
        slackMs: 500,
      });
    },
  },
  slides("playing-cards", 4),
  slides("raccoon", 2.5),
  {
    name: "street",
    minutes: 4,
    dataset: async (folder) => {
      await writeStreetFrames(folder, {
        seeds: STREET_SEEDS,
        classes: STREET_CLASSES,
        fromMs: STREET_MS + 60_000,
        framesEach: 80,
      });
      return folder;
    },
    footage: async () => {
      const events: TrueEvent[] = [];
      for (const seed of STREET_SEEDS) {
        const movie = new SyntheticMovie(seed, { classes: STREET_CLASSES });
        for (const { className, enterMs, leaveMs } of await movie.visits(STREET_MS)) {
          const untilMs = Math.min(leaveMs, STREET_MS);
          events.push({ camera: `street${seed}`, className, fromMs: enterMs, untilMs });
        }
      }
      const options = `fps=5&paced=false&classes=${STREET_CLASSES}&duration=${STREET_MS / 1000}`;
      return {
        cameras: STREET_SEEDS.map((seed) => `street${seed}=synthetic:${seed}?${options}`),
        events,
        isMinor: ({ fromMs, untilMs }) => untilMs - fromMs < VISIT_MS_MIN,
        slackMs: 1000,
      };
    },
  },
];

/** A slide show of the test pictures of a data set: each labelled thing is an event as long as its picture. */
function slides(name: string, minutes: number): Part {
  return {
    name,
    minutes,
    dataset: () => Promise.resolve(dataPath(`detection/${name}`)),
    footage: async (folder) => {
      const { splits, classes } = await readDataset(dataPath(`detection/${name}`)!, { log: silentLog });
      const shown = join(folder, "slides");
      mkdirSync(shown, { recursive: true });
      const events: TrueEvent[] = [];
      for (const [place, { path, labels }] of (splits.test ?? []).entries()) {
        copyFileSync(path, join(shown, `${String(place).padStart(4, "0")}-${basename(path)}`));
        for (const { classIndex } of labels) {
          const fromMs = place * SLIDE_MS;
          events.push({ camera: name, className: classes[classIndex]!, fromMs, untilMs: fromMs + SLIDE_MS });
        }
      }
      return { cameras: [`${name}=${shown}?seconds=${SLIDE_MS / 1000}`], events, slackMs: 0 };
    },
  };
}

import type { Command } from "./shell.ts";

/** The roles of `--role`: what each does, and where it is. */
interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

export const ROLES: Readonly<Record<string, Entry>> = {
  trainer: {
    summary: "Keeps data sets and models; leads the training.",
    load: () => import("./roles/trainer.ts"),
  },
  worker: {
    summary: "Lends this machine to the trainer.",
    load: () => import("./roles/worker.ts"),
  },
  video: {
    summary: "Reads cameras; hands their newest frames to testers, and to any RTSP player.",
    load: () => import("./roles/video.ts"),
  },
  tester: {
    summary: "Runs the model on every camera and keeps the log of sightings.",
    load: () => import("./roles/tester.ts"),
  },
  watcher: {
    summary: "Shows the log, live, in a browser or a terminal.",
    load: () => import("./roles/watcher.ts"),
  },
};

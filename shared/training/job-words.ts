import { countText, durationText } from "../base/text.ts";
import type { JobNote, JobStatus, WorkerStatus } from "../wire/messages/job-status.ts";
import { standings } from "./standing.ts";

/** How a job goes, in words for terminals and logs; the page has its own, in its reader's language. */

/** What a job waits for, or why it ended; empty where there is nothing to say. */
export function noteText(note: JobNote | undefined): string {
  switch (note?.kind) {
    case undefined:
      return "";
    case "arriving":
      return `${note.done} of ${countText(note.total, "picture")} have arrived`;
    case "others-first":
      return `${countText(note.total, "job")} before this one`;
    case "preparing":
      return `${note.done} of ${countText(note.total, "picture")}`;
    case "no-worker":
      return "no worker is connected: waiting for one";
    case "getting-ready":
      return "the workers are getting ready";
    case "ended-early":
      return "ended early on request, with what was learnt";
    case "unsaved":
    case "failed":
      return note.failure?.text ?? "";
  }
}

/** How good the model is: of faces the share that is named right, of others the mAP50; empty where that is not known. */
export function scoreText({ accuracy, map50 }: Pick<JobStatus, "accuracy" | "map50">): string {
  if (accuracy !== undefined) return `accuracy ${accuracy.toFixed(3)}`;
  return map50 === undefined ? "" : `mAP50 ${map50.toFixed(3)}`;
}

/** Each machine's speed, share of the work, network time and what holds it back, in a line; the slowest first. */
export function machinesText(workers: readonly WorkerStatus[]): string {
  const standing = standings(workers);
  return workers
    .map((worker, i) => ({ worker, why: standing[i]! }))
    .sort((a, b) => a.worker.imagesPerSecond - b.worker.imagesPerSecond)
    .map(({ worker, why }) => {
      const { name, imagesPerSecond, share, networkShare } = worker;
      const gives = `${imagesPerSecond.toFixed(1)}/s ${percent(share)}, network ${percent(networkShare)}`;
      return `${name} ${whyText(worker, why.percent, why.kind)}${worker.state === "training" ? gives : ""}`.trim();
    })
    .join("; ");
}

function whyText(
  { reason }: WorkerStatus,
  of: number,
  kind: ReturnType<typeof standings>[number]["kind"],
): string {
  switch (kind) {
    case "fine":
    case "network":
      return "";
    case "slow":
      return `(slow: ${of}% of the fastest) `;
    case "awaited":
      return "(the others wait for it) ";
    case "joining":
      return "is getting ready";
    case "silent":
      return "is silent: the others go on";
    case "left-out":
      return `is left out for a while: ${reason}`;
  }
}

/** A job in a line: where it is, how fast, how good, how long still. */
export function jobText(job: JobStatus): string {
  const { name, state, progress, imagesPerSecond, bestMap50, timeLeftMs, note } = job;
  const parts = [
    `${state} ${name}${state === "training" ? ` ${Math.floor(100 * progress)}%` : ""}`,
    imagesPerSecond > 0 ? `${imagesPerSecond.toFixed(1)} pictures/s` : "",
    bestMap50 === undefined ? "" : `mAP50 ${bestMap50.toFixed(3)}`,
    timeLeftMs === undefined ? "" : `${durationText(timeLeftMs)} left`,
    noteText(note),
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

import type { ToldFailure } from "../../shared/base/failure.ts";
import type { WrittenRules } from "../../shared/detect/near/written-rules.ts";
import { type Sighting, thingText } from "../../shared/store/sighting.ts";
import type { JobStatus } from "../../shared/wire/messages/job-status.ts";
import type { TesterFeed } from "./tester-feed.ts";

/**
 * What the page gets: plain JSON. The page imports these types, and of the program's code only what is pure geometry.
 */

export interface SightingView {
  /** `tester-id`: unique over all testers. */
  readonly key: string;
  readonly className: string;
  /** For people: the class, and who it is where a face model says so. */
  readonly what: string;
  readonly camera: string;
  readonly score: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly closed: boolean;
  readonly box: readonly number[];
  /** The zone by which it counted as near; empty where none is drawn. */
  readonly zone: string;
  readonly model: string;
  readonly modelVersion: number;
  /** Changes when the photo does, so that a browser fetches it again. */
  readonly photo: string;
}

/** A sighting with where it went: boxes in shares of the picture's width and height, in order. */
export interface SightingPathView extends SightingView {
  readonly path: readonly (readonly number[])[];
}

export interface CameraView {
  /** `tester/name`, as in the address of its picture. */
  readonly key: string;
  readonly name: string;
  readonly state: string;
  /** What is wrong with it. */
  readonly problem: ToldFailure | undefined;
  readonly framesPerSecond: number;
  readonly testedPerSecond: number;
  readonly skipped: number;
  readonly open: number;
}

export interface StatusView {
  /** Why sightings cannot be saved now; absent while they can. */
  readonly alarm: ToldFailure | undefined;
  readonly connected: boolean;
  readonly model: string;
  readonly modelVersion: number;
  readonly classes: readonly string[];
  readonly engine: string;
  readonly cameras: readonly CameraView[];
  readonly jobs: readonly JobStatus[];
}

/** What counts as near at a camera, to be drawn. */
export interface RulesView {
  /** Goes back with what is saved in place of these. */
  readonly revision: string;
  readonly own: WrittenRules;
  /** For every camera, where `own` says nothing. */
  readonly all: WrittenRules;
  /** Where neither says it. */
  readonly minHeightPercent: number;
  /** Why they cannot be read or changed; empty where they can. */
  readonly problem: string;
  /** What the tester's model knows. */
  readonly classes: readonly string[];
}

export interface RulesSavedView {
  readonly outcome: "saved" | "outdated" | "refused";
  readonly reason: string;
  readonly revision: string;
}

export function sightingView(feed: TesterFeed, row: Sighting): SightingView {
  const { className, camera, score, firstSeenMs, lastSeenMs, closed, box, model, modelVersion } = row;
  const key = `${feed.index}-${row.id}`;
  const photo = `/photo/${key}?${encodeURIComponent(row.photo.slice(-12, -4))}`;
  const times = { firstSeenMs, lastSeenMs, closed, zone: row.zone ?? "" };
  return { key, className, what: thingText(row), camera, score, ...times, box, model, modelVersion, photo };
}

/** All testers as one. */
export function statusView(feeds: readonly TesterFeed[]): StatusView {
  const first = feeds.find((feed) => (feed.status?.model ?? "") !== "")?.status;
  return {
    alarm: feeds.find((feed) => feed.isConnected && feed.status?.alarm !== undefined)?.status?.alarm,
    connected: feeds.some((feed) => feed.isConnected),
    model: first?.model ?? "",
    modelVersion: first?.modelVersion ?? 0,
    classes: [...new Set(feeds.flatMap((feed) => feed.status?.classes ?? []))].sort(),
    engine: first?.engine ?? "",
    cameras: feeds.flatMap((feed) =>
      (feed.status?.cameras ?? []).map(({ status, testedPerSecond, skipped, open }) => ({
        key: `${feed.index}/${encodeURIComponent(status.name)}`,
        name: status.name,
        state: feed.isConnected ? status.state : "gone",
        problem: feed.isConnected ? status.problem : undefined,
        framesPerSecond: status.framesPerSecond,
        testedPerSecond,
        skipped: skipped + status.skipped,
        open,
      })),
    ),
    jobs: feeds.flatMap((feed) => feed.jobs).filter(isWorthShowing),
  };
}

/** Jobs that are over are shown no more; the model they made is. */
export function isWorthShowing({ state }: JobStatus): boolean {
  return state !== "done" && state !== "cancelled";
}

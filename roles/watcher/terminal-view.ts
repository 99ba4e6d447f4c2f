import { countText } from "../../shared/base/text.ts";
import { decodePicture } from "../../shared/image/codec.ts";
import { resizeBilinear } from "../../shared/image/resize.ts";
import type { Picture } from "../../shared/image/types.ts";
import { type Sighting, thingText } from "../../shared/store/sighting.ts";
import { jobText, machinesText } from "../../shared/training/job-words.ts";
import type { JobStatus } from "../../shared/wire/messages/job-status.ts";
import { EVERYTHING, type FeedListener, type TesterFeed } from "./tester-feed.ts";
import { isWorthShowing } from "./view.ts";

/** Width of a small picture, in characters; each shows two pixels, one above the other. */
const PICTURE_COLUMNS = 28;
const PICTURE_ROWS_MAX = 10;
/** Sightings of the past that are printed at the start. */
const PAST_MAX = 10;
/** Sightings that are remembered as printed: an open one changes again, an old one does not. */
const PRINTED_MAX = 5000;

interface Out {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** The log as lines of a terminal, each sighting with a small picture of half-block characters. */
export class TerminalView implements FeedListener, AsyncDisposable {
  readonly #out: Out;
  readonly #printed = new Set<string>();
  /** Prints one after another: a picture must not end up inside another. */
  #last: Promise<void> = Promise.resolve();
  #state = "";
  #alarm = "";
  /** Of the job that was told last. */
  #stage = "";

  constructor(out: Out) {
    this.#out = out;
  }

  onSightings(feed: TesterFeed, rows: readonly Sighting[]): void {
    for (const row of rows) {
      const key = `${feed.index}-${row.id}`;
      if (this.#printed.has(key)) continue;
      this.#printed.add(key);
      if (this.#printed.size > PRINTED_MAX) this.#printed.delete(this.#printed.values().next().value!);
      this.#last = this.#last.then(() => this.#print(feed, row));
    }
  }

  /** The end of what happened before. */
  onConnected(feed: TesterFeed): void {
    feed
      .find({ ...EVERYTHING, limit: PAST_MAX })
      .then((rows) => this.onSightings(feed, rows.toReversed()))
      .catch(() => this.#say("what happened before cannot be read"));
  }

  onStatus(feed: TesterFeed): void {
    this.#say(stateWords(feed));
    const alarm = feed.isConnected ? (feed.status?.alarm?.text ?? "") : "";
    if (alarm !== this.#alarm && alarm !== "") this.#line(`!! SIGHTINGS ARE NOT BEING SAVED: ${alarm}`);
    if (alarm !== this.#alarm && alarm === "") this.#line("-- sightings are saved again");
    this.#alarm = alarm;
  }

  onJobs(feed: TesterFeed): void {
    const job = feed.jobs.find(isWorthShowing);
    // Kept apart from the state, which comes every second: the two would take turns.
    const stage = job === undefined ? "" : stageOf(job);
    if (stage !== this.#stage && job !== undefined) {
      this.#line(`-- ${jobText(job)}`);
      if (job.workers.length > 1) this.#line(`--   ${machinesText(job.workers)}`);
    }
    this.#stage = stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
  }

  #say(state: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#line(`-- ${state}`);
  }

  #line(text: string): void {
    this.#last = this.#last.then(() => void this.#out.write(`${text}\n`));
  }

  async #print(feed: TesterFeed, row: Sighting): Promise<void> {
    const when = new Date(row.firstSeenMs).toLocaleString("sv");
    const words = `${when}  ${row.camera}  ${thingText(row)}  ${Math.round(100 * row.score)}%`;
    let picture = "";
    if (this.#out.isTTY === true) {
      try {
        const jpeg = await feed.photo(row.id, true);
        if (jpeg !== undefined) picture = blocks(await decodePicture(jpeg));
      } catch {
        // A line without its picture says more than no line.
      }
    }
    this.#out.write(`${picture}${words}\n`);
  }
}

/** Changes when a line about the job is due: at each tenth, when it waits or moves up in the queue, or when a machine comes or goes. */
function stageOf({ jobId, state, progress, note, workers }: JobStatus): string {
  const machines = workers.map((worker) => `${worker.name} ${worker.state}`);
  const place = note?.kind === "others-first" ? note.total : "";
  return [jobId, state, Math.floor(10 * progress), note?.kind, place, ...machines].join("|");
}

/** What the tester does, and which cameras it cannot see. */
function stateWords({ status, isConnected }: TesterFeed): string {
  if (!isConnected) return "no link to the tester; trying again";
  if (status === undefined || status.model === "") return "the tester has no model yet";
  const { model, modelVersion, classes, cameras } = status;
  const blind = cameras
    .filter(({ status: camera }) => camera.state !== "live")
    .map(({ status: camera }) => `${camera.name} ${camera.state}`);
  const live = `${cameras.length - blind.length} of ${countText(cameras.length, "camera")}`;
  const rest = blind.length === 0 ? "" : ` (${blind.join(", ")})`;
  return `${model} ${modelVersion} looks for ${classes.join(", ")} on ${live}${rest}`;
}

/** A picture as coloured half blocks: the upper pixel is the text colour, the lower one the background. */
export function blocks(picture: Picture): string {
  const columns = Math.min(PICTURE_COLUMNS, picture.width);
  const wanted = Math.round((picture.height * columns) / picture.width / 2);
  const rows = Math.min(PICTURE_ROWS_MAX, Math.max(1, wanted));
  const width = Math.max(1, Math.round((columns * rows) / Math.max(rows, wanted)));
  const small = resizeBilinear(picture, width, 2 * rows);
  const colour = (x: number, y: number): string => {
    const at = 3 * (y * width + x);
    return `${small.data[at]};${small.data[at + 1]};${small.data[at + 2]}`;
  };
  let text = "";
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; x++) {
      text += `\x1b[38;2;${colour(x, 2 * row)}m\x1b[48;2;${colour(x, 2 * row + 1)}m▀`;
    }
    text += "\x1b[0m\n";
  }
  return text;
}

import { standings } from "../../../shared/training/standing.ts";
import type { JobNote, JobStatus } from "../../../shared/wire/messages/job-status.ts";
import { byId, element } from "./elements.ts";
import { failureWords, type Words } from "./words.ts";

/** Training as it goes: a card a job, with its machines. */
export function showJobs(jobs: readonly JobStatus[], words: Words, locale: string): void {
  byId("jobs").replaceChildren(...jobs.map((job) => jobCard(job, words, locale)));
}

function jobCard(job: JobStatus, words: Words, locale: string): HTMLElement {
  const number: NumberWords = (value, digits = 0) =>
    value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const facts = [words.jobStates[job.state]];
  if (job.epochs > 0 && job.state === "training") {
    facts.push(`${words.epoch} ${number(job.epoch)} / ${number(job.epochs)}`);
  }
  if (job.imagesPerSecond > 0) facts.push(`${number(job.imagesPerSecond)} ${words.perSecond}`);
  if (job.bestMap50 !== undefined) facts.push(`mAP50 ${number(job.bestMap50, 3)}`);
  if (job.timeLeftMs !== undefined) facts.push(`${clock(job.timeLeftMs)} ${words.left}`);
  if (job.note !== undefined) facts.push(noteWords(job.note, words, number));
  const card = element(
    "article",
    { class: "job" },
    element("h2", {}, `${words.training}: ${job.name}`),
    element("progress", { value: String(job.progress), max: "1", "aria-label": job.name }),
    element("p", {}, facts.join(" · ")),
  );
  if (job.workers.length > 0) card.append(machinesTable(job.workers, words, number));
  return card;
}

type NumberWords = (value: number, digits?: number) => string;

/** Each machine: what it gives, and what holds it back. */
function machinesTable(workers: JobStatus["workers"], words: Words, number: NumberWords): HTMLElement {
  const standing = standings(workers);
  // Mostly nothing holds anybody back: then a phone has room for the rest.
  const why = standing.some(({ kind }) => kind !== "fine") ? [words.why] : [];
  const columns = [words.machine, words.speed, words.share, words.network, ...why];
  const head = columns.map((word) => element("th", { scope: "col" }, word));
  const rows = workers.map((worker, i) => {
    const { kind, percent } = standing[i]!;
    const reason = worker.reason === "" ? "" : `: ${worker.reason}`;
    return element(
      "tr",
      { "data-standing": kind },
      element("td", {}, worker.name),
      element("td", {}, `${number(worker.imagesPerSecond, 1)} ${words.perSecond}`),
      element("td", {}, `${number(100 * worker.share)}%`),
      element("td", {}, `${number(100 * worker.networkShare)}%`),
      ...why.map(() => element("td", {}, `${words.standings[kind](number(percent))}${reason}`)),
    );
  });
  return element("table", {}, element("tr", {}, ...head), ...rows);
}

function noteWords({ kind, done, total, failure }: JobNote, words: Words, number: NumberWords): string {
  const said = words.notes[kind](number(done), number(total));
  return failure === undefined ? said : `${said}: ${failureWords(failure, words)}`;
}

/** 4:07, or 1:04:07. */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const rest = two(seconds % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** The watcher's page: live by server-sent events, in the browser's language. */
import type { SightingView, StatusView } from "../view.ts";
import { CameraCards } from "./camera-cards.ts";
import { byId } from "./elements.ts";
import { showJobs } from "./job-cards.ts";
import { LargeView } from "./large-view.ts";
import { LogList } from "./log-list.ts";
import { RulesEditor } from "./rules/editor.ts";
import { failureWords, wordsFor } from "./words.ts";

const { words, locale } = wordsFor(navigator.languages);
document.documentElement.lang = locale;
for (const button of document.querySelectorAll<HTMLElement>("[data-label]")) {
  const word = words[button.dataset.label as keyof typeof words];
  if (typeof word === "string") button.ariaLabel = word;
}
for (const labelled of document.querySelectorAll<HTMLElement>("[data-word]")) {
  const word = words[labelled.dataset.word as keyof typeof words];
  if (typeof word === "string") labelled.textContent = word;
}

const rules = new RulesEditor(words, locale);
const cameras = new CameraCards(words, locale, (camera) => rules.open(camera));
const log = new LogList(words, locale, new LargeView(words, locale));

function showStatus(status: StatusView): void {
  const state = byId("state");
  state.dataset.live = String(status.connected);
  state.textContent = status.connected ? words.live : words.offline;
  const alarm = byId("alarm");
  alarm.hidden = status.alarm === undefined;
  alarm.textContent =
    status.alarm === undefined ? "" : `${words.alarm}: ${failureWords(status.alarm, words)}`;
  byId("model").textContent =
    status.model === ""
      ? words.noModel
      : `${status.model} ${status.modelVersion} ${words.looksFor} ${status.classes.join(", ")}`;
  cameras.show(status.cameras);
  rules.update(status.cameras);
  showJobs(status.jobs, words, locale);
  log.offer("class", status.classes);
  log.offer(
    "camera",
    status.cameras.map(({ name }) => name),
  );
}

const events = new EventSource("/events");
// After a break the browser connects again by itself; what was missed is read anew.
events.addEventListener("open", () => void log.load());
events.addEventListener("status", ({ data }: MessageEvent<string>) => showStatus(JSON.parse(data)));
events.addEventListener("sightings", ({ data }: MessageEvent<string>) => {
  log.take(JSON.parse(data) as SightingView[]);
});
events.addEventListener("error", () => {
  const state = byId("state");
  state.dataset.live = "false";
  state.textContent = words.pageOffline;
});

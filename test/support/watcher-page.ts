import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { TesterOptions } from "../../roles/tester/options.ts";
import { run as runWatcher } from "../../roles/watcher/main.ts";
import { silentLog } from "../../shared/base/log.ts";
import { deferred } from "../../shared/base/wait.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";
import { startTester, startVideo, testSite } from "./site-roles.ts";

/** Where Chromium is; tests of the page are skipped without. */
export const CHROMIUM = Bun.which("chromium");

/** Starts the watcher role in this process, and waits until its page can be opened. */
async function startWatcher(
  site: Site,
  testers: readonly Address[],
  signal: AbortSignal,
): Promise<{ url: string; ended: Promise<void> }> {
  const ready = deferred<Address>();
  const http = { host: "127.0.0.1", port: 0 };
  const options = { site, testers, http, terminal: false, onReady: ready.resolve };
  const ended = runWatcher(options, { signal, log: silentLog });
  ended.catch(ready.reject);
  const { host, port } = await ready.promise;
  return { url: `http://${host}:${port}/`, ended };
}

export function launchChromium(): Promise<Browser> {
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
  ];
  return chromium.launch({ executablePath: CHROMIUM!, args });
}

/** The page of a site that runs, in Chromium. */
export interface WatchedPage extends AsyncDisposable {
  readonly url: string;
  /** Opens it in a window of its own, 1200 x 900 px where nothing else is said; the caller closes its context. */
  open(options: BrowserContextOptions & { readonly locale: string }): Promise<Page>;
}

export interface WatchedPageOptions {
  /** One of its own when absent. */
  readonly site?: Site;
  /** A drawn one called gate when absent. */
  readonly cameras?: Parameters<typeof startVideo>[1];
  readonly tester?: Partial<TesterOptions>;
}

/**
 * Starts video, a tester, a watcher and Chromium.
 *
 * @param folder the tester's; its log lies in `data` below it
 */
export async function startWatchedPage(
  folder: string,
  {
    site = testSite(),
    cameras = [{ name: "gate", source: "synthetic:1" }],
    tester = {},
  }: WatchedPageOptions = {},
): Promise<WatchedPage> {
  const stop = new AbortController();
  const ended: Promise<void>[] = [];
  await using started = new AsyncDisposableStack();
  started.defer(async () => {
    stop.abort();
    await Promise.all(ended);
  });
  const video = await startVideo(site, cameras, stop.signal);
  ended.push(video.ended);
  const watched = await startTester(site, folder, [video.address], stop.signal, tester);
  ended.push(watched.ended);
  const { url, ended: watcher } = await startWatcher(site, [watched.address], stop.signal);
  ended.push(watcher);
  const browser = await launchChromium();
  started.defer(() => browser.close());
  const running = started.move();
  return {
    url,
    async open(options) {
      const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

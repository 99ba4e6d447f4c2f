import { type Browser, chromium } from "playwright-core";
import { run as runWatcher } from "../../roles/watcher/main.ts";
import { silentLog } from "../../shared/base/log.ts";
import { deferred } from "../../shared/base/wait.ts";
import type { Address } from "../../shared/net/connection.ts";
import type { Site } from "../../shared/net/site.ts";

/** Where Chromium is; tests of the page are skipped without. */
export const CHROMIUM = Bun.which("chromium");

/** Starts the watcher role in this process, and waits until its page can be opened. */
export async function startWatcher(
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

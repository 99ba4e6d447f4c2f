/** Watcher: follows testers and shows their log, live, on a page or in this terminal. */
import type { RoleContext } from "../../shared/base/context.ts";
import { dialer } from "../../shared/net/dial.ts";
import { stayConnected } from "../../shared/net/stay-connected.ts";
import type { WatcherOptions } from "./options.ts";
import { PageServer } from "./page-server.ts";
import { TerminalView } from "./terminal-view.ts";
import { type FeedListener, TesterFeed } from "./tester-feed.ts";

export async function run(options: WatcherOptions, { signal, log }: RoleContext): Promise<void> {
  await using scope = new AsyncDisposableStack();
  const listeners: FeedListener[] = [];
  const addresses = options.testers.length > 0 ? options.testers : [undefined];
  const feeds = addresses.map((_, index) => new TesterFeed(index, toAll(listeners)));

  if (options.terminal) {
    listeners.push(scope.use(new TerminalView(process.stdout)));
  } else {
    const server = scope.use(new PageServer(options.http, feeds, log));
    listeners.push({
      onSightings: (feed, rows) => server.tellSightings(feed, rows),
      onConnected: () => server.tellStatus(),
      onStatus: () => server.tellStatus(),
      onJobs: () => server.tellStatus(),
    });
    log.info(`the page is at http://${server.address.host}:${server.address.port}/`);
    options.onReady?.(server.address);
  }
  await Promise.all(
    feeds.map((feed, index) => {
      const dial = dialer(options.site, "watcher", { role: "tester", address: addresses[index] });
      return stayConnected({ dial, signal, log }, (link) => feed.follow(link));
    }),
  );
}

/** One listener that passes everything on to several. */
function toAll(listeners: readonly FeedListener[]): FeedListener {
  return {
    onSightings(feed, rows) {
      for (const one of listeners) one.onSightings(feed, rows);
    },
    onConnected(feed) {
      for (const one of listeners) one.onConnected(feed);
    },
    onStatus(feed) {
      for (const one of listeners) one.onStatus(feed);
    },
    onJobs(feed) {
      for (const one of listeners) one.onJobs(feed);
    },
  };
}

import type { Log } from "../shared/base/log.ts";

/** Exit status of a program that was told twice to stop: 128 + SIGINT. */
const INTERRUPTED = 130;

/** Aborts at the first Ctrl-C or SIGTERM, so that work is finished cleanly; the second ends the process at once. */
export function stopOnSignals(log: Log): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    log.info("stopping; once more to stop at once", { signal: name });
    controller.abort(new Error(`stopped by ${name}`));
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, stop);
    },
  };
}

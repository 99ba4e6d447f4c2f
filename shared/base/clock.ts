/** Time and waiting, in one place so that tests and simulations can put their own in. */
export interface Clock {
  /** Milliseconds since 1970, for records and for people. It may jump. */
  wallMs(): number;
  /** Milliseconds since some fixed moment, for durations. It never goes back. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(finish, ms);
      function finish(): void {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      }
      signal?.addEventListener("abort", finish, { once: true });
    }),
};

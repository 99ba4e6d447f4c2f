import { deferred, onAbort } from "../../shared/base/wait.ts";

/** Says "something changed" to whoever waits for it. Changes between two waits are one. */
export class Changes {
  #next = deferred();

  tell(): void {
    this.#next.resolve();
    this.#next = deferred();
  }

  /** Resolves at the next change, or when `signal` aborts. */
  async next(signal: AbortSignal): Promise<void> {
    const stopped = deferred();
    using _ = onAbort(signal, () => stopped.resolve());
    await Promise.race([this.#next.promise, stopped.promise]);
  }
}

import { type Deferred, deferred, within } from "../../shared/base/wait.ts";

const ANSWER_WITHIN_MS = 5000;

/** Questions of one kind on a link, and the answers they wait for. */
export class Requests<T> {
  readonly #waiting = new Map<number, Deferred<T>>();
  #nextId = 1;

  /** Sends a question under a new id and waits for its answer. Throws `unavailable` when none comes in time. */
  async ask(what: string, send: (requestId: number) => Promise<void>): Promise<T> {
    const id = this.#nextId++;
    const answer = deferred<T>();
    this.#waiting.set(id, answer);
    try {
      await send(id);
      return await within(answer.promise, ANSWER_WITHIN_MS, what);
    } finally {
      this.#waiting.delete(id);
    }
  }

  answer(id: number, value: T): void {
    this.#waiting.get(id)?.resolve(value);
  }

  /** No answer will come to any of them. */
  fail(error: Error): void {
    for (const one of this.#waiting.values()) one.reject(error);
    this.#waiting.clear();
  }
}

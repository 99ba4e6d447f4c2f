import { AppError } from "./errors.ts";

/** Rejects with an `AppError` of kind `unavailable` when `promise` takes longer than `timeoutMs`. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new AppError("unavailable", `${what}: no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** True when `promise` has not settled within `timeoutMs`. Rejects when it does. */
export async function expired(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => false as const), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise with its handles outside, for code that is called back. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  // Whoever awaits sees the rejection; when nobody does, it must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Throws an `AppError` of kind `cancelled` when `signal` has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what = "stopped"): void {
  if (signal?.aborted) throw new AppError("cancelled", what, { cause: signal.reason });
}

/**
 * Runs `release` when `signal` aborts (at once when it already has). Dispose to forget it.
 */
export function onAbort(signal: AbortSignal, release: () => void): Disposable {
  if (signal.aborted) {
    release();
    return { [Symbol.dispose]() {} };
  }
  signal.addEventListener("abort", release, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", release) };
}

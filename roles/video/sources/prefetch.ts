/**
 * Keeps up to `ahead` results of `make` under way, and yields them in order: the next pictures are drawn or read while
 * the last one is looked at. Ends at the first `undefined`.
 */
export async function* prefetch<T>(
  make: (index: number) => Promise<T> | undefined,
  ahead: number,
): AsyncGenerator<T> {
  const underWay: Promise<T>[] = [];
  for (let index = 0; ; ) {
    while (underWay.length < ahead) {
      const next = make(index);
      if (next === undefined) break;
      // Its error is seen when its turn comes.
      next.catch(() => {});
      underWay.push(next);
      index++;
    }
    const first = underWay.shift();
    if (first === undefined) return;
    yield await first;
  }
}

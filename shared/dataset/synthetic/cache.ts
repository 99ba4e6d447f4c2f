/** Keeps the values used last, up to a number of bytes, each made once however many ask for it at the same time. */
export class AsyncCache<Value> {
  readonly #sizeBytesMax: number;
  readonly #sizeBytesOf: (value: Value) => number;
  /** In order of use: a Map keeps its order of insertion. */
  readonly #entries = new Map<string, { readonly value: Promise<Value>; sizeBytes: number }>();
  #sizeBytes = 0;

  constructor(sizeBytesMax: number, sizeBytesOf: (value: Value) => number) {
    this.#sizeBytesMax = sizeBytesMax;
    this.#sizeBytesOf = sizeBytesOf;
  }

  get(key: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value;
    }
    const entry = { value: make(), sizeBytes: 0 };
    this.#entries.set(key, entry);
    entry.value.then(
      (value) => {
        if (this.#entries.get(key) !== entry) return;
        entry.sizeBytes = this.#sizeBytesOf(value);
        this.#sizeBytes += entry.sizeBytes;
        this.#trim(entry);
      },
      // The next to ask tries again.
      () => this.#entries.delete(key),
    );
    return entry.value;
  }

  #trim(newest: { sizeBytes: number }): void {
    for (const [key, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#sizeBytesMax) return;
      // What is still being made has no size yet and is about to be used.
      if (entry === newest || entry.sizeBytes === 0) continue;
      this.#entries.delete(key);
      this.#sizeBytes -= entry.sizeBytes;
    }
  }
}

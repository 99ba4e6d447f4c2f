/** Names and their numbers, both ways. */
export class IdIndex {
  /** Each name at its number's place. */
  readonly names: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param names each once, in the order of their numbers */
  constructor(names: readonly string[]) {
    this.names = names;
    this.#numbers = new Map(names.map((name, number) => [name, number]));
  }

  /**
   * Numbers that do not depend on the order in which the names come, nor on the machine's language: by UTF-16 code
   * units, each name once.
   */
  static stable(names: Iterable<string>): IdIndex {
    return new IdIndex([...new Set(names)].sort());
  }

  /** `undefined` for a name that is not there. */
  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }
}

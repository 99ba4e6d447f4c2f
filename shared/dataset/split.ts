import { Random } from "../base/random.ts";

/** A number that depends on nothing but the id: the same on every machine and in every run. */
function idHash(id: string): number {
  return new Random("split", id).u32();
}

/**
 * Takes a share of the items out by a hash of their ids: the same data set splits the same way everywhere, and the
 * order of its files plays no part. An item may be of several groups (the classes in a picture) or of none. Each
 * group has its share taken, the rarest first (iterative stratification, Sechidis et al. 2011); one of two items or more
 * gives at least one where that leaves every group at least one.
 *
 * @param share 0 to 1, of the items that go into `taken`
 */
export function splitByHash<T extends { readonly id: string }>(
  items: readonly T[],
  share: number,
  groupsOf: (item: T) => readonly (string | number)[] = () => [],
): { readonly kept: T[]; readonly taken: T[] } {
  const ordered = items
    .map((item) => ({ item, hash: idHash(item.id), groups: new Set(groupsOf(item)) }))
    .sort((a, b) => a.hash - b.hash || (a.item.id < b.item.id ? -1 : 1));
  const members = new Map<string | number | undefined, typeof ordered>();
  for (const one of ordered) {
    for (const group of one.groups.size === 0 ? [undefined] : one.groups) {
      const own = members.get(group) ?? [];
      own.push(one);
      members.set(group, own);
    }
  }
  const left = new Map([...members].map(([group, own]) => [group, own.length]));
  const taken = new Set<T>();
  const rarestFirst = [...members.values()].sort((a, b) => a.length - b.length);
  for (const own of rarestFirst) {
    const wanted = own.length < 2 ? 0 : Math.max(1, Math.round(share * own.length));
    let count = own.filter(({ item }) => taken.has(item)).length;
    for (const { item, groups } of own) {
      if (count >= wanted) break;
      if (taken.has(item) || [...groups].some((group) => left.get(group)! < 2)) continue;
      for (const group of groups) left.set(group, left.get(group)! - 1);
      taken.add(item);
      count++;
    }
  }
  const byId = (a: T, b: T) => (a.id < b.id ? -1 : 1);
  return { kept: items.filter((item) => !taken.has(item)).sort(byId), taken: [...taken].sort(byId) };
}

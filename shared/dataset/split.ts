import { Random } from "../base/random.ts";

/** A number that depends on nothing but the id: the same on every machine and in every run. */
function idHash(id: string): number {
  return new Random("split", id).u32();
}

/**
 * Takes a share of the items out by a hash of their ids: the same data set splits the same way everywhere, and the
 * order of its files plays no part. Within each group (a class, say) the share is kept, and each group of two or
 * more gives at least one and keeps at least one.
 *
 * @param share 0 to 1, of the items that go into `taken`
 */
export function splitByHash<T extends { readonly id: string }>(
  items: readonly T[],
  share: number,
  groupOf: (item: T) => string = () => "",
): { readonly kept: T[]; readonly taken: T[] } {
  const kept: T[] = [];
  const taken: T[] = [];
  for (const group of Map.groupBy(items, groupOf).values()) {
    const ordered = group
      .map((item) => ({ item, hash: idHash(item.id) }))
      .sort((a, b) => a.hash - b.hash || (a.item.id < b.item.id ? -1 : 1));
    const wanted = Math.round(share * group.length);
    const count = group.length < 2 ? 0 : Math.min(group.length - 1, Math.max(1, wanted));
    ordered.forEach(({ item }, place) => {
      (place < count ? taken : kept).push(item);
    });
  }
  const byId = (a: T, b: T) => (a.id < b.id ? -1 : 1);
  return { kept: kept.sort(byId), taken: taken.sort(byId) };
}

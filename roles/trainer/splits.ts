import type { NetworkKind } from "../../shared/nn/networks/config.ts";
import type { SampleRow } from "../../shared/wire/messages/training.ts";

type Split = SampleRow["split"];

/** What a sample's use hangs on. */
export interface GivenSample {
  readonly split: Split;
  readonly labels: readonly { readonly classIndex: number }[];
}

/** Pictures kept aside to score the weights and to choose thresholds: this share of what could be learnt from. */
const ASIDE_SHARE = 0.1;
const ASIDE_MIN = 8;
const ASIDE_MAX = 48;
/** With fewer pictures than this, each one is worth more to learn from. */
const PICTURES_MIN = 40;

/**
 * What each sample of a data set is used for. A small part is kept aside (`val`): of the data set's own validation
 * pictures where it has them, whose rest is learnt from too. Each class gives its share, and of its pictures the last
 * ones: pictures taken after each other look alike, and one learnt from would give its neighbour away. The order alone
 * would not do, since many data sets are ordered by class: the last one would be kept aside as a whole.
 *
 * Of faces none is kept aside: five pictures of each person are few.
 *
 * @param given the data set's samples, in their order
 */
export function useOfSamples(given: readonly GivenSample[], network: NetworkKind): Split[] {
  const use = given.map(({ split }): Split => (split === "test" ? "test" : "train"));
  const learnable = use.filter((split) => split === "train").length;
  if (network === "mlp" || learnable < PICTURES_MIN) return use;
  const wanted = Math.min(ASIDE_MAX, Math.max(ASIDE_MIN, Math.round(ASIDE_SHARE * learnable)));
  const placesOf = (split: Split) => given.flatMap((one, place) => (one.split === split ? [place] : []));
  const lastFirst = [...placesOf("train"), ...placesOf("val")].reverse();
  for (const place of shareOfEach(lastFirst, (at) => groupsOf(given[at]!), wanted)) use[place] = "val";
  return use;
}

/** The classes in a picture; pictures without any are a group too. */
function groupsOf({ labels }: GivenSample): readonly number[] {
  return labels.length === 0 ? [-1] : [...new Set(labels.map(({ classIndex }) => classIndex))];
}

/**
 * So many items, from the front, that each group has its share of them: again and again, the group that lacks most gives
 * its next (after Sechidis et al. 2011, where items are in no order). None gives its only one.
 */
function shareOfEach<T>(items: readonly T[], groupsOf: (item: T) => readonly number[], wanted: number): T[] {
  const groups = new Map<number, { readonly items: T[]; left: number; lacking: number }>();
  for (const item of items) {
    for (const id of groupsOf(item)) {
      const group = groups.get(id) ?? { items: [], left: 0, lacking: 0 };
      group.items.push(item);
      group.left++;
      group.lacking += wanted / items.length;
      groups.set(id, group);
    }
  }
  const ofItem = (item: T) => groupsOf(item).map((id) => groups.get(id)!);
  const taken = new Set<T>();
  while (taken.size < wanted) {
    const isFree = (item: T) => !taken.has(item) && ofItem(item).every(({ left }) => left > 1);
    const [next] = [...groups.values()]
      .sort((a, b) => b.lacking - a.lacking)
      .flatMap((group) => group.items.find(isFree) ?? []);
    if (next === undefined) break;
    taken.add(next);
    for (const group of ofItem(next)) {
      group.left--;
      group.lacking--;
    }
  }
  return [...taken];
}

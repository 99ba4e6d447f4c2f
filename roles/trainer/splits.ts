import type { NetworkKind } from "../../shared/nn/networks/config.ts";
import type { SampleRow } from "../../shared/wire/messages/training.ts";

type Split = SampleRow["split"];

/** Pictures kept aside to score the weights and to choose thresholds: this share of what could be learnt from. */
const ASIDE_SHARE = 0.1;
const ASIDE_MIN = 8;
const ASIDE_MAX = 48;
/** With fewer pictures than this, each one is worth more to learn from. */
const PICTURES_MIN = 40;

/**
 * What each sample of a data set is used for. A small part is kept aside (`val`): of the data set's own validation
 * pictures where it has them, whose rest is learnt from too. It is a block of neighbours, since pictures taken after
 * each other look alike, and one learnt from would give its neighbour away.
 *
 * Of faces none is kept aside: neighbours are one person's, who could not be learnt meanwhile, and five pictures of
 * each are few.
 *
 * @param given the data set's own splits, in the order of its samples
 */
export function useOfSamples(given: readonly Split[], network: NetworkKind): Split[] {
  const use = given.map((split): Split => (split === "test" ? "test" : "train"));
  const learnable = use.filter((split) => split === "train").length;
  if (network === "mlp" || learnable < PICTURES_MIN) return use;
  const source: Split = given.includes("val") ? "val" : "train";
  const places = given.flatMap((split, place) => (split === source ? [place] : []));
  const wanted = Math.min(ASIDE_MAX, Math.max(ASIDE_MIN, Math.round(ASIDE_SHARE * learnable)));
  for (const place of places.slice(-wanted)) use[place] = "val";
  return use;
}

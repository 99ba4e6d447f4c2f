/** Groups of class names that differ in letters' case, spaces or dashes only, and so may be meant as one. */
export function alikeNames(classes: readonly string[]): string[][] {
  const alike = Map.groupBy(classes, (name) => name.toLowerCase().replace(/[\s_-]+/g, ""));
  return [...alike.values()].filter((names) => names.length > 1);
}

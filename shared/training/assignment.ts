/** Consecutive chunks for one member. */
export interface ChunkRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Shares a round's chunks between its members so that the last to finish finishes as early as it can: each chunk in
 * turn goes to the member that would be done with it first. The same speeds give the same shares.
 *
 * @param first number of the round's first chunk
 * @param speeds chunks a second of each member, measured; a member not yet measured (0) counts as the mean of the
 *               others
 */
export function assignChunks(first: number, count: number, speeds: readonly number[]): ChunkRange[] {
  const measured = speeds.filter((speed) => speed > 0);
  const mean = measured.length === 0 ? 1 : measured.reduce((sum, speed) => sum + speed, 0) / measured.length;
  const known = speeds.map((speed) => (speed > 0 ? speed : mean));
  const counts = known.map(() => 0);
  for (let chunk = 0; chunk < count; chunk++) {
    let best = 0;
    for (let i = 1; i < known.length; i++) {
      if ((counts[i]! + 1) / known[i]! < (counts[best]! + 1) / known[best]!) best = i;
    }
    counts[best]!++;
  }
  let next = first;
  return counts.map((mine) => {
    const range = { first: next, count: mine };
    next += mine;
    return range;
  });
}

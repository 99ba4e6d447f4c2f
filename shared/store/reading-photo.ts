import type { Sighting } from "./sighting.ts";
import type { SightingLog } from "./sightings.ts";

/**
 * Reads the photo of a sighting, with its row as it is now. Where a better photo has taken its place before all was
 * read, it is read once more, with the row that names the new one.
 *
 * @param read gets the row, and throws where the photo that it names cannot be read
 * @returns `undefined` when there is no such sighting (any more)
 * @throws whatever `read` throws of a photo that nothing has replaced
 */
export async function readingPhoto<T>(
  log: SightingLog,
  id: number,
  read: (sighting: Sighting) => Promise<T>,
): Promise<T | undefined> {
  for (;;) {
    const sighting = log.get(id);
    if (sighting === undefined) return undefined;
    try {
      return await read(sighting);
    } catch (error) {
      if (log.get(id)?.photo === sighting.photo) throw error;
    }
  }
}

import { errorKind } from "../../shared/base/errors.ts";
import { throwIfAborted } from "../../shared/base/wait.ts";
import { LooksLearner } from "../../shared/detect/likeness.ts";
import { decodePicture } from "../../shared/image/codec.ts";
import type { PeopleLooks } from "../../shared/nn/model-file.ts";
import type { SampleRow } from "../../shared/wire/messages/training.ts";

/** More people's looks would make the model's words too long. */
const PEOPLE_MAX = 250;
/** Pictures of each person, and of all together: more say little more, and each takes milliseconds of the trainer. */
const PICTURES_EACH_MAX = 10;
const PICTURES_MAX = 1000;
/** Looks are of small faces. */
const SIDE_PX = 192;

/** What the people of a data set look like; `undefined` where they are too many, or too few to compare. */
export async function looksOf(
  samples: readonly SampleRow[],
  peopleCount: number,
  blobs: { read(sha256: string): Promise<Uint8Array> },
  signal: AbortSignal,
): Promise<PeopleLooks | undefined> {
  if (peopleCount > PEOPLE_MAX) return undefined;
  const most = Math.min(PICTURES_EACH_MAX, Math.floor(PICTURES_MAX / peopleCount));
  const counts = new Uint32Array(peopleCount);
  const learner = new LooksLearner(peopleCount);
  for (const { split, sha256, labels } of samples) {
    throwIfAborted(signal, "the training was stopped");
    const person = labels[0]?.classIndex;
    if (person === undefined || split === "test" || counts[person]! >= most) continue;
    const bytes = await blobs.read(sha256).catch(undefinedIfInput);
    const picture = bytes && (await decodePicture(bytes, { maxSide: SIDE_PX }).catch(undefinedIfInput));
    if (picture === undefined) continue;
    learner.add(person, picture);
    counts[person]!++;
  }
  return learner.result();
}

/** A picture that is damaged costs nothing but its look; where nobody can learn from it, preparing has said so. */
function undefinedIfInput(error: unknown): undefined {
  if (errorKind(error) !== "input") throw error;
}

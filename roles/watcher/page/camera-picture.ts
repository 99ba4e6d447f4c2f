/** A camera's latest tested picture, and what the model saw on it. */

export interface Seen {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly {
    readonly className: string;
    readonly name?: string;
    readonly score: number;
    /** In pixels. */
    readonly box: readonly [number, number, number, number];
  }[];
}

/** How often a camera's picture is fetched while somebody looks. */
export const REFRESH_MS = 700;

/**
 * Shows the newest picture of a camera.
 *
 * @returns what was seen on it; `undefined` when there is no picture yet
 */
export async function showPicture(image: HTMLImageElement, cameraKey: string): Promise<Seen | undefined> {
  const answer = await fetch(`/camera/${cameraKey}`);
  if (answer.status !== 200) return undefined;
  const seen = JSON.parse(decodeURIComponent(answer.headers.get("vigia-seen") ?? "null")) as Seen | null;
  const address = URL.createObjectURL(await answer.blob());
  const before = image.src;
  image.src = address;
  await image.decode();
  URL.revokeObjectURL(before);
  return seen ?? undefined;
}

/** For people: what a thing is, and how certain. */
export function labelOf({ className, name, score }: Seen["objects"][number]): string {
  return `${className} ${name === undefined ? "" : `${name} `}${Math.round(100 * score)}%`;
}

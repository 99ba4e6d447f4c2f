/**
 * Cuts a clip with its truth file into a Pascal VOC folder, for training on what a camera saw.
 *
 *   bun test/support/clip-dataset.ts CLIP.mp4 TRUTH.csv FOLDER
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ClipDatasetOptions {
  readonly clip: string;
  /** Lines `frame,track,class,x1,y1,x2,y2` below a line of these names; frames count from 0, boxes are in pixels. */
  readonly truth: string;
  /** One frame of so many is taken. */
  readonly everyNth?: number;
  /** Frames from this share of the clip on are the test split, so that no test car was trained on. */
  readonly testFrom?: number;
}

/** Writes the data set to `folder` and returns how many pictures it has. Needs ffmpeg. */
export function writeClipDataset(
  folder: string,
  { clip, truth, everyNth = 3, testFrom = 0.8 }: ClipDatasetOptions,
): number {
  const pictures = join(folder, "JPEGImages");
  for (const path of [pictures, join(folder, "Annotations"), join(folder, "ImageSets/Main")]) {
    mkdirSync(path, { recursive: true });
  }
  const cut = `select='not(mod(n\\,${everyNth}))'`;
  const args = ["-i", clip, "-vf", cut, "-fps_mode", "passthrough", "-q:v", "2", join(pictures, "%d.jpg")];
  const { status, stderr, error } = spawnSync("ffmpeg", ["-v", "error", "-y", ...args], { encoding: "utf8" });
  if (status !== 0) throw error ?? new Error(`ffmpeg ended with ${status}: ${stderr}`);

  const objects = objectsByFrame(readFileSync(truth, "utf8"));
  const count = readdirSync(pictures).length;
  const lists = { train: [] as string[], test: [] as string[] };
  for (let place = 0; place < count; place++) {
    const frame = place * everyNth;
    const id = `frame-${String(frame).padStart(6, "0")}`;
    renameSync(join(pictures, `${place + 1}.jpg`), join(pictures, `${id}.jpg`));
    writeFileSync(join(folder, "Annotations", `${id}.xml`), annotation(id, objects.get(frame) ?? []));
    lists[place < testFrom * count ? "train" : "test"].push(id);
  }
  for (const [split, ids] of Object.entries(lists)) {
    writeFileSync(join(folder, "ImageSets/Main", `${split}.txt`), `${ids.join("\n")}\n`);
  }
  return count;
}

interface TrueObject {
  readonly className: string;
  readonly box: readonly string[];
}

function objectsByFrame(csv: string): Map<number, TrueObject[]> {
  const objects = new Map<number, TrueObject[]>();
  for (const line of csv.trim().split(/\r?\n/).slice(1)) {
    const [frame, , className, ...box] = line.split(",");
    const listed = objects.get(Number(frame)) ?? [];
    listed.push({ className: className!, box });
    objects.set(Number(frame), listed);
  }
  return objects;
}

function annotation(id: string, objects: readonly TrueObject[]): string {
  const sides = ["xmin", "ymin", "xmax", "ymax"];
  const written = objects.map(({ className, box }) => {
    const bounds = sides.map((side, i) => `<${side}>${box[i]}</${side}>`).join("");
    return `  <object><name>${className}</name><bndbox>${bounds}</bndbox></object>\n`;
  });
  return `<annotation>\n  <filename>${id}.jpg</filename>\n${written.join("")}</annotation>\n`;
}

if (import.meta.main) {
  const [clip, truth, folder] = process.argv.slice(2);
  if (clip === undefined || truth === undefined || folder === undefined) {
    process.stderr.write("usage: bun test/support/clip-dataset.ts CLIP.mp4 TRUTH.csv FOLDER\n");
    process.exit(2);
  }
  process.stdout.write(`${writeClipDataset(folder, { clip, truth })} pictures in ${folder}\n`);
}

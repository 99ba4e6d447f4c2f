import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LogSink } from "../../../shared/base/log.ts";
import { Log } from "../../../shared/base/log.ts";
import { readDataset } from "../../../shared/dataset/read.ts";
import type { Dataset } from "../../../shared/dataset/types.ts";
import { encodeJpeg } from "../../../shared/image/codec.ts";
import { tempFolder } from "../../support/temp.ts";

/** A grey JPEG of this size. */
export async function greyJpeg(width: number, height: number): Promise<Uint8Array> {
  return await encodeJpeg({ width, height, data: new Uint8Array(width * height * 3).fill(128) }, 80);
}

export type BoxNumbers = readonly (number | string)[];

/** An `<object>` of a VOC file. */
export function objectXml(name: string, [x1, y1, x2, y2]: BoxNumbers): string {
  return `<object><name>${name}</name><pose>Left</pose><difficult>0</difficult>
    <bndbox><xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox></object>`;
}

/** A VOC file that claims 100 x 80 pixels and lies about its picture's name. */
export function vocXml(objects: string, size: readonly [number, number] = [100, 80]): string {
  return `<?xml version="1.0"?>
<annotation><folder>elsewhere</folder><filename>wrong.jpg</filename><path>/etc/passwd</path>
  <size><width>${size[0]}</width><height>${size[1]}</height><depth>3</depth></size>${objects}</annotation>`;
}

/** Writes files by their paths below `root`. */
export function writeFiles(root: string, files: Readonly<Files>): void {
  for (const [path, content] of Object.entries(files)) {
    const whole = join(root, path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
  }
}

/** A log whose lines can be looked at. */
export function keptLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const sink: LogSink = (line) => lines.push(line);
  return { log: new Log("test", [sink]), lines };
}

/** A data set's defects as they are told. */
export const whats = (dataset: Dataset) => dataset.defects.map(({ file, what }) => `${file} ${what}`);

/** Files by their path. */
export type Files = Record<string, string | Uint8Array>;

/** Reads a data set of these files, with the lines of log that it took. */
export async function read(files: Files, strict = false): Promise<Dataset & { lines: string[] }> {
  using folder = tempFolder();
  writeFiles(folder.path, files);
  const { log, lines } = keptLog();
  return { ...(await readDataset(folder.path, { strict, log })), lines };
}

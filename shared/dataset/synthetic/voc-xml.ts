import type { SyntheticLabel } from "./picture.ts";

/** What an annotation file says of a picture. */
export interface VocPicture {
  readonly folder: string;
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
  readonly labels: readonly SyntheticLabel[];
}

/**
 * A Pascal VOC annotation, as labelling tools write it: `bndbox` holds the box's edges in pixels from 0, right and
 * bottom lying outside.
 */
export function vocXml({ folder, fileName, width, height, labels }: VocPicture): string {
  const objects = labels.map(({ className, box: [x1, y1, x2, y2] }) => {
    const truncated = x1 <= 0 || y1 <= 0 || x2 >= width || y2 >= height ? 1 : 0;
    return `  <object>
    <name>${escapeXml(className)}</name>
    <pose>Unspecified</pose>
    <truncated>${truncated}</truncated>
    <difficult>0</difficult>
    <bndbox><xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox>
  </object>
`;
  });
  return `<annotation>
  <folder>${escapeXml(folder)}</folder>
  <filename>${escapeXml(fileName)}</filename>
  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>
  <segmented>0</segmented>
${objects.join("")}</annotation>
`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

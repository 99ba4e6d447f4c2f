import { XMLParser } from "fast-xml-parser";
import { AppError } from "../base/errors.ts";
import { ANNOTATION_FILE_BYTES_MAX, BOXES_PER_PICTURE_MAX, NAME_LENGTH_MAX } from "../base/limits.ts";
import { bytesText, countText } from "../base/text.ts";
import type { Box } from "../detect/types.ts";
import { isTurned } from "../image/header.ts";
import { boundsOfCorners, boundsOfTurned } from "./voc-shapes.ts";

/** What one Pascal VOC XML file says, checked as far as it can be without the picture. */
export interface VocAnnotation {
  /** The size the file claims; 0 where it claims none. The picture's own header is what counts. */
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
  /** What was wrong with objects that are left out. */
  readonly problems: readonly string[];
}

export interface VocObject {
  readonly name: string;
  /** As written: corners may be exchanged, reach over the edge, or coincide. All four are finite. */
  readonly box: Box;
  /** Marked as hard to recognise: see `Label`. */
  readonly difficult?: boolean;
}

/**
 * Entities are never expanded and values never guessed at, so that a hostile file costs no more than its own length.
 * The five escapes that XML itself defines are undone here, in names.
 */
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: 50,
  transformTagName: (name) => name.toLowerCase(),
  isArray: (name) => name === "object",
});

/**
 * Reads the bytes of a VOC annotation (Everingham et al. 2010, the VOC development kit).
 *
 * @throws {AppError} `input` when it is not an XML file of that form
 */
export function parseVoc(bytes: Uint8Array): VocAnnotation {
  if (bytes.length > ANNOTATION_FILE_BYTES_MAX) {
    throw new AppError("input", `is too large: ${bytesText(bytes.length)}`);
  }
  const text = decodeText(bytes).trim();
  if (text === "") throw new AppError("input", "is empty");
  const problems: string[] = [];
  const annotation = child(parse(withEnd(withoutDoctype(text), problems)), "annotation");
  if (annotation === undefined) throw new AppError("input", "has no <annotation> element");
  const size = child(annotation, "size");
  const listed = asRecord(annotation).object;
  const objects = Array.isArray(listed) ? listed : [];
  if (objects.length > BOXES_PER_PICTURE_MAX) {
    problems.push(`${countText(objects.length, "object")}, only ${BOXES_PER_PICTURE_MAX} are read`);
  }
  return {
    width: sizeNumber(size, "width"),
    height: sizeNumber(size, "height"),
    objects: objects.slice(0, BOXES_PER_PICTURE_MAX).flatMap((object, i) => readObject(object, i, problems)),
    problems,
  };
}

/** The name or path that an annotation gives its picture; empty where it gives none. Never throws. */
export function pictureNameIn(bytes: Uint8Array): string {
  const [, name = ""] = /<filename>([^<]{1,1000})<\/filename>/i.exec(decodeText(bytes)) ?? [];
  return unescapeXml(name.trim());
}

/** What may stand before a DOCTYPE. */
const BEFORE_DOCTYPE = /(?:\s|<!--[\s\S]*?-->|<\?[\s\S]*?\?>)*/y;
/** A part of a DOCTYPE: brackets in quotes, comments and instructions end nothing. */
const DOCTYPE_PART = /"[^"]*"|'[^']*'|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|[^"'<>[\]]+|<(?!!--|\?)|[>[\]]/y;

/**
 * The text without its DOCTYPE. What it declares is never looked at, so no entity can fetch or grow anything; a label
 * that uses one keeps its reference as it is written.
 */
function withoutDoctype(text: string): string {
  BEFORE_DOCTYPE.lastIndex = 0;
  BEFORE_DOCTYPE.test(text);
  const from = BEFORE_DOCTYPE.lastIndex;
  if (!/^<!DOCTYPE/i.test(text.slice(from, from + 9))) return text;
  let isInside = false;
  for (DOCTYPE_PART.lastIndex = from + 9; ; ) {
    const part = DOCTYPE_PART.exec(text)?.[0];
    if (part === undefined) throw new AppError("input", "is not well-formed XML: its DOCTYPE does not end");
    if (part === "[" || part === "]") isInside = part === "[";
    if (part === ">" && !isInside) return text.slice(0, from) + text.slice(DOCTYPE_PART.lastIndex);
  }
}

/** The text up to its end tag, which is put where it is missing after a whole object: then no label is lost. */
function withEnd(text: string, problems: string[]): string {
  const tag = [...text.matchAll(/<\/annotation\s*>/gi)].at(-1);
  if (tag === undefined) {
    const begin = /<(annotation)\b/i.exec(text);
    if (begin === null || !/<\/object\s*>$/i.test(text)) return text;
    problems.push("lacks its end tag </annotation>, mended");
    return `${text}</${begin[1]}>`;
  }
  const end = tag.index + tag[0].length;
  if (end < text.length) problems.push("has text after its end tag </annotation>, passed over");
  return text.slice(0, end);
}

function parse(text: string): unknown {
  try {
    // Some tools write "Tom & Jerry" as it is.
    return parser.parse(text.replace(/&(?!#?\w{1,10};)/g, "&amp;"), true);
  } catch (cause) {
    const open = unclosedPart(cause);
    if (open !== undefined) throw new AppError("input", `is not well-formed XML: it ends within <${open}>`);
    throw new AppError("input", "is not well-formed XML", { cause });
  }
}

/** The parser lists the parts that are open at the end of a text that was cut short. */
function unclosedPart(error: unknown): string | undefined {
  return /^Invalid '\[[^']*"([^"']*)"\]' found/.exec(error instanceof Error ? error.message : "")?.[1];
}

function readObject(object: unknown, place: number, problems: string[]): VocObject[] {
  const name = className(textOf(object, "name"));
  const what = `object ${place + 1}${name === "" ? "" : ` (${name})`}`;
  const skip = (why: string) => {
    problems.push(`${what} ${why}, dropped`);
    return [];
  };
  if (name === "") return skip("has no name");
  if (name.length > NAME_LENGTH_MAX) return skip(`has a name of ${name.length} letters`);
  const box = boundsIn(object);
  if (box === undefined) return skip("has no <bndbox>");
  if (!box.every((value) => Math.abs(value) <= 1e7)) return skip("has a box that is not four numbers");
  const difficult = /^(1|true|yes)$/i.test(textOf(object, "difficult"));
  return [{ name, box: box as unknown as Box, ...(difficult && { difficult }) }];
}

/** The four sides of an object's box, or of the one about the shape that some tools draw instead. */
function boundsIn(object: unknown): number[] | undefined {
  const bounds = child(object, "bndbox");
  if (bounds !== undefined) return numbersOf(bounds, ["xmin", "ymin", "xmax", "ymax"]);
  const turned = child(object, "robndbox");
  if (turned !== undefined) return boundsOfTurned(numbersOf(turned, ["cx", "cy", "w", "h", "angle"]));
  const polygon = child(object, "polygon");
  return polygon === undefined ? undefined : boundsOfCorners(cornersOf(polygon));
}

/** LabelMe writes a `<pt>` for each corner, others number the corners' places: `<x1>`, `<y1>`, `<x2>`, ... */
function cornersOf(polygon: unknown): number[][] {
  const points = asRecord(polygon).pt;
  if (points !== undefined) return [points].flat().map((point) => numbersOf(point, ["x", "y"]));
  const places = Object.keys(asRecord(polygon)).flatMap((name) => /^x(\d+)$/.exec(name)?.[1] ?? []);
  return places.map((place) => numbersOf(polygon, [`x${place}`, `y${place}`]));
}

function numbersOf(node: unknown, names: readonly string[]): number[] {
  return names.map((name) => numberIn(textOf(node, name)));
}

/** Some tools write the decimal comma of their user's language. NaN for what is no number. */
function numberIn(text: string): number {
  return text === "" ? Number.NaN : Number(text.replace(/^(-?\d+),(\d+)$/, "$1.$2"));
}

/** One spelling for names that look the same: composed accents, single spaces, no control characters. */
export function className(text: string): string {
  return text
    .normalize("NFC")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
}

/**
 * Takes a box from the pixels as stored to the picture turned upright (EXIF 2.32 tag 0x0112).
 *
 * @param width, height of the picture as stored
 */
export function turnBox(box: Box, orientation: number, width: number, height: number): Box {
  let [x1, y1, x2, y2] = box;
  // Orientations 5 to 8 are 1 to 4 after exchanging the axes.
  const mirrored = isTurned(orientation) ? orientation - 4 : orientation;
  if (isTurned(orientation)) {
    [x1, y1, x2, y2] = [y1, x1, y2, x2];
    [width, height] = [height, width];
  }
  if (mirrored === 2 || mirrored === 3) [x1, x2] = [width - x2, width - x1];
  if (mirrored === 3 || mirrored === 4) [y1, y2] = [height - y2, height - y1];
  return [x1, y1, x2, y2];
}

function decodeText(bytes: Uint8Array): string {
  const isUnmarked16 = bytes[0] === 0x3c && bytes[1] === 0;
  if (isUnmarked16 || (bytes[0] === 0xff && bytes[1] === 0xfe))
    return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Older tools write the alphabet of their system, whatever the first line says.
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

function asRecord(node: unknown): Record<string, unknown> {
  return typeof node === "object" && node !== null ? (node as Record<string, unknown>) : {};
}

/** The first child of that name. An element without content is the empty string. */
function child(node: unknown, name: string): unknown {
  const value = Object.hasOwn(asRecord(node), name) ? asRecord(node)[name] : undefined;
  return Array.isArray(value) ? value[0] : value;
}

function textOf(node: unknown, name: string): string {
  const value = child(node, name);
  return typeof value === "string" ? unescapeXml(value.trim()) : "";
}

function sizeNumber(size: unknown, name: string): number {
  const value = Number(textOf(size, name));
  return Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

const ESCAPES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(lt|gt|amp|quot|apos));/gi,
    (all, decimal, hex, word) => {
      if (word !== undefined) return ESCAPES[String(word).toLowerCase()] ?? all;
      const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}

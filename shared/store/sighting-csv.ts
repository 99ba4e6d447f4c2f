import type { Sighting } from "./sighting.ts";

/** How a table is written. Programs read the plain form; a spreadsheet needs what its country expects. */
export interface CsvForm {
  readonly separator: "," | ";";
  readonly decimalComma: boolean;
  /** Begin with a byte order mark, without which Excel takes UTF-8 for its country's old code page. */
  readonly byteOrderMark: boolean;
  /** Of the columns' names. */
  readonly language: "en" | "es";
  /** Times as a spreadsheet understands them, in the time of this machine; otherwise ISO 8601 in UTC. */
  readonly localTimes: boolean;
}

export const PLAIN_CSV: CsvForm = {
  separator: ",",
  decimalComma: false,
  byteOrderMark: false,
  language: "en",
  localTimes: false,
};

/**
 * What Excel opens by a double click in a country: where numbers have a decimal comma (Spain, not Mexico), it splits
 * columns at semicolons.
 *
 * @param locale a BCP 47 tag; this machine's when absent or unknown
 */
export function spreadsheetCsv(locale?: string): CsvForm {
  let format: Intl.NumberFormat;
  try {
    format = new Intl.NumberFormat(locale);
  } catch {
    format = new Intl.NumberFormat();
  }
  const decimalComma = format
    .formatToParts(1.5)
    .some(({ type, value }) => type === "decimal" && value === ",");
  const language = format.resolvedOptions().locale.startsWith("es") ? "es" : "en";
  return {
    separator: decimalComma ? ";" : ",",
    decimalComma,
    byteOrderMark: true,
    localTimes: true,
    language,
  };
}

type Cell = string | number | boolean | undefined;

const COLUMNS: readonly (readonly [name: string, of: (row: Sighting, form: CsvForm) => Cell])[] = [
  ["id", (row) => row.id],
  ["camera", (row) => row.camera],
  ["class", (row) => row.className],
  ["score", (row) => round(row.score, 4)],
  ["firstSeen", (row, form) => time(row.firstSeenMs, form)],
  ["lastSeen", (row, form) => time(row.lastSeenMs, form)],
  ["x1", (row) => round(row.box[0], 1)],
  ["y1", (row) => round(row.box[1], 1)],
  ["x2", (row) => round(row.box[2], 1)],
  ["y2", (row) => round(row.box[3], 1)],
  ["photo", (row) => row.photo],
  ["name", (row) => row.name],
  ["zone", (row) => row.zone],
  ["closed", (row) => row.closed],
  ["firstSeenSeconds", (row) => seconds(row.firstMediaMs)],
  ["lastSeenSeconds", (row) => seconds(row.lastMediaMs)],
  ["clockAheadMs", (row) => (row.clockAheadMs === undefined ? undefined : Math.round(row.clockAheadMs))],
  ["closeUp", (row) => row.closeUp],
  ["model", (row) => row.model],
  ["modelVersion", (row) => row.modelVersion],
];

/** The columns' names for people who read Spanish; what is not here has the same. */
const SPANISH: Readonly<Record<string, string>> = {
  camera: "cámara",
  class: "clase",
  score: "certeza",
  firstSeen: "vistoPrimero",
  lastSeen: "vistoÚltimo",
  photo: "foto",
  name: "nombre",
  zone: "zona",
  closed: "cerrado",
  firstSeenSeconds: "vistoPrimeroSegundos",
  lastSeenSeconds: "vistoÚltimoSegundos",
  clockAheadMs: "relojAdelantadoMs",
  closeUp: "primerPlano",
  model: "modelo",
  modelVersion: "versiónModelo",
};

/** The names of the columns, without an end of line. */
export function csvHeader(form: CsvForm): string {
  return (
    (form.byteOrderMark ? "\ufeff" : "") +
    COLUMNS.map(([name]) => (form.language === "es" ? (SPANISH[name] ?? name) : name)).join(form.separator)
  );
}

/** A sighting as a line (RFC 4180), without its end. */
export function csvLine(row: Sighting, form: CsvForm): string {
  return COLUMNS.map(([, of]) => field(of(row, form), form)).join(form.separator);
}

/**
 * Text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises: names of classes
 * and people come from whoever labelled the pictures.
 */
function field(value: Cell, { separator, decimalComma }: CsvForm): string {
  if (value === undefined) return "";
  if (typeof value === "number") return decimalComma ? String(value).replace(".", ",") : String(value);
  const text = String(value);
  const safe = /^[\t\r\n ]*[=+\-@\uff1d\uff0b\uff0d\uff20|]|^[\t\r]/.test(text) ? `'${text}` : text;
  return /["\r\n,;\t]/.test(safe) || safe.includes(separator) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function time(ms: number, { localTimes }: CsvForm): string {
  // Swedish dates are ISO 8601 with a space: the form that spreadsheets of all countries read.
  return localTimes ? new Date(ms).toLocaleString("sv") : new Date(ms).toISOString();
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms) / 1000;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

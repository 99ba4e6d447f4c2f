import type { ArgsDef } from "citty";
import type { Command } from "./shell.ts";

/** The left column, with its margins: names that are longer stand on a line of their own. */
const NAMES_WIDTH = 28;
/** Lines of more letters are hard to read; with fewer the descriptions would have no room. */
const [WIDTH_MIN, WIDTH_MAX] = [60, 100];

/**
 * The text of `vigia COMMAND --help`: how it is called, what it is for, and each word and flag that it takes.
 *
 * @param usage the words of a call: `train DATASET --out FILE.onnx`
 * @param columns of the terminal, which lines are cut to
 */
export function helpText(usage: string, { definition }: Command, columns = 80): string {
  const width = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, columns));
  const args = Object.entries((definition.args ?? {}) as ArgsDef);
  const { description = "" } = (definition.meta ?? {}) as { description?: string };
  const lines = args.flatMap(([name, arg]) => entry(calledAs(name, arg), described(arg), width));
  return [`usage: vigia ${usage} [flags]`, "", ...wrapped(description, width), "", ...lines].join("\n");
}

/** A flag or a word as it is typed: `--out FILE.onnx`, `--json`, `DATASET`. */
export function calledAs(name: string, arg: ArgsDef[string]): string {
  if (arg.type === "positional") return name.toUpperCase();
  if (arg.type === "boolean") return arg.default === true ? `--no-${name}` : `--${name}`;
  return arg.valueHint === undefined ? `--${name}` : `--${name} ${arg.valueHint}`;
}

function described(arg: ArgsDef[string]): string {
  const text = arg.description ?? "";
  return arg.required === true && arg.type !== "positional" ? `${text} Needed.` : text;
}

function entry(name: string, description: string, width: number): string[] {
  const lines = wrapped(description, width - NAMES_WIDTH).map((line) => " ".repeat(NAMES_WIDTH) + line);
  const first = lines[0];
  if (first === undefined || name.length + 4 > NAMES_WIDTH) return [`  ${name}`, ...lines];
  return [`  ${name}`.padEnd(NAMES_WIDTH) + first.trimStart(), ...lines.slice(1)];
}

/** Lines of at most `width` letters, as far as words allow. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter((word) => word !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

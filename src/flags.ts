import type { ArgsDef } from "citty";
import { AppError } from "../shared/base/errors.ts";
import { calledAs } from "./help.ts";

/**
 * What citty leaves to us: unknown flags, flags without their value, values too many, what is missing, and flags given
 * several times. Commands are defined with citty, which parses; this looks at the words before it.
 */

/** Flags that take several values: `--camera a=x --camera b=y` and `--camera a=x b=y` say the same. */
export type ManyFlags = readonly string[];

export interface Words {
  /** The command line with each value of a `many` flag taken out: what citty may parse. */
  readonly plain: readonly string[];
  readonly many: Readonly<Record<string, readonly string[]>>;
}

/**
 * Checks a command's words against its definition. Throws `usage` with the nearest flag's name, or with `help`.
 *
 * @param rest whether the command takes any number of words beside its flags
 * @param help where a person reads on
 */
export function checkWords(
  words: readonly string[],
  args: ArgsDef,
  { many = [], rest = false, help = "see --help" }: { many?: ManyFlags; rest?: boolean; help?: string } = {},
): Words {
  const values: Record<string, string[]> = Object.fromEntries(many.map((name) => [name, []]));
  const plain: string[] = [];
  const known = Object.keys(args);
  const positionals = known.filter((name) => args[name]?.type === "positional");
  const given = new Set<string>();
  let loose = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "") {
      throw new AppError("usage", "one of the words is empty", {
        hint: "is a variable of your script empty?",
      });
    }
    if (!word.startsWith("-") || word === "-") {
      loose++;
      if (!rest && loose > positionals.length) {
        throw new AppError("usage", `one word too many: ${word}`, { hint: help });
      }
      plain.push(word);
      continue;
    }
    const [flag, attached] = splitOnce(word.replace(/^--?/, ""), "=");
    const negated = flag.startsWith("no-") && args[flag.slice(3)]?.type === "boolean";
    const name = negated ? flag.slice(3) : flag;
    const definition = args[name];
    if (definition === undefined || definition.type === "positional" || !word.startsWith("--")) {
      const near = nearest(name, known);
      throw new AppError("usage", `unknown flag ${word.split("=")[0]}`, {
        hint: near === undefined ? help : `did you mean --${near}?`,
      });
    }
    given.add(name);
    if (definition.type === "boolean") {
      if (attached !== undefined) throw new AppError("usage", `--${flag} takes no value`, { hint: help });
      plain.push(word);
      continue;
    }
    const value = attached ?? words[i + 1];
    if (value === undefined || value === "" || (attached === undefined && value.startsWith("--"))) {
      throw new AppError("usage", `--${name} needs a value`, { hint: help });
    }
    if (attached === undefined) i++;
    const list = values[name];
    if (list === undefined) {
      plain.push(`--${name}=${value}`);
      continue;
    }
    list.push(value);
    while (words[i + 1] !== undefined && !words[i + 1]!.startsWith("-")) list.push(words[++i]!);
  }
  for (const name of positionals.slice(0, loose)) given.add(name);
  const missing = known.find((name) => args[name]?.required === true && !given.has(name));
  if (missing !== undefined) {
    throw new AppError("usage", `${calledAs(missing, args[missing]!)} is missing`, { hint: help });
  }
  return { plain, many: values };
}

/** A whole number in a range, or `undefined` where the flag was not given. Throws `usage`. */
export function wholeFlag(
  name: string,
  value: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === "" || !Number.isInteger(number) || number < least || number > most) {
    throw new AppError("usage", `--${name} ${value}: a whole number from ${least} to ${most} is needed`);
  }
  return number;
}

/** A number in a range, or `undefined` where the flag was not given. Throws `usage`. */
export function numberFlag(
  name: string,
  value: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number) || number < least || number > most) {
    throw new AppError("usage", `--${name} ${value}: a number from ${least} to ${most} is needed`);
  }
  return number;
}

/** One of a few words. Throws `usage` that lists them. */
export function choiceFlag<const T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    throw new AppError("usage", `--${name} ${value}: expected one of ${choices.join(", ")}`);
  }
  return found;
}

/** NAME=SOURCE, as cameras are written. Throws `usage`. */
export function namedValue(text: string, what: string): [name: string, value: string] {
  const [name, value] = splitOnce(text, "=");
  if (value === undefined || value === "" || !/^[\p{L}\p{N}_.-]{1,64}$/u.test(name)) {
    throw new AppError("usage", `${what} ${text}: expected NAME=SOURCE`, {
      hint: "names hold letters, digits, dots, dashes and underscores: front-door=rtsp://192.168.1.20/stream1",
    });
  }
  return [name, value];
}

/** The known word that differs least from `word`, when at most two fifths of its letters do. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.ceil(0.4 * word.length) ? best.candidate : undefined;
}

/** Levenshtein's distance: letters to put in, take out or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function splitOnce(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

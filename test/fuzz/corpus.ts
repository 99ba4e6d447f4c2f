import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FuzzTarget } from "./target.ts";

/**
 * Inputs that are kept, in a folder for each target: those that once broke something, and one for each way in which a
 * run of many ended. The tests run them all.
 */
const root = join(import.meta.dir, "corpus");
/** What is worth keeping is small. */
const KEPT_SIZE_BYTES_MAX = 4096;

export function corpusOf({ name }: FuzzTarget): { readonly file: string; readonly input: Buffer }[] {
  const folder = join(root, name);
  return (existsSync(folder) ? readdirSync(folder).sort() : []).map((file) => ({
    file,
    input: readFileSync(join(folder, file)),
  }));
}

/** Keeps an input for a reason, which becomes its name. Returns its path; nothing is written for a large one. */
export function keep({ name }: FuzzTarget, reason: string, input: Buffer): string | undefined {
  if (input.length > KEPT_SIZE_BYTES_MAX) return undefined;
  const path = join(root, name, `${fileName(reason)}.bin`);
  mkdirSync(join(root, name), { recursive: true });
  writeFileSync(path, input);
  return path;
}

function fileName(reason: string): string {
  const words = reason.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return words.slice(0, 80) || "nothing";
}

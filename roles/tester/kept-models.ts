import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import { replaceFile } from "../../shared/base/replace-file.ts";
import type { ModelCard } from "../../shared/wire/messages/models.ts";

/** Which model a file holds. */
export type ModelId = Pick<ModelCard, "name" | "version" | "sha256">;

/** Of each followed name: the newest, and one for when its file turns out to be damaged. */
const KEPT_MAX = 2;

/**
 * Copies of the models that were taken up, newest first for each name that is followed. Not in `models/`, which is a
 * trainer's: both may have one data directory.
 */
export class KeptModels {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "kept-models");
    mkdirSync(this.#folder, { recursive: true });
  }

  /** The newest that was taken up for a followed name, when a copy is whole. */
  newest(followed: string): { readonly id: ModelId; readonly file: Uint8Array } | undefined {
    for (const id of this.#read().get(followed) ?? []) {
      const file = this.file(id);
      if (file !== undefined) return { id, file };
    }
    return undefined;
  }

  /** A model's copy, when it is whole. */
  file(id: ModelId): Uint8Array | undefined {
    try {
      const file = readFileSync(join(this.#folder, fileName(id)));
      return sha256Of(file) === id.sha256 ? file : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a model as the newest for a followed name; older copies go. Throws what the file system throws. */
  keep(followed: string, id: ModelId, file: Uint8Array): void {
    if (this.file(id) === undefined) replaceFile(join(this.#folder, fileName(id)), file);
    const kept = this.#read();
    const { name, version, sha256 } = id;
    const older = (kept.get(followed) ?? []).filter((one) => one.sha256 !== sha256);
    kept.set(followed, [{ name, version, sha256 }, ...older].slice(0, KEPT_MAX));
    replaceFile(this.#listPath, Buffer.from(JSON.stringify([...kept])));
    const names = new Set([...kept.values()].flat().map(fileName));
    for (const entry of readdirSync(this.#folder)) {
      // Unfinished ones of a start that was killed, too.
      const isCopy = /^[0-9a-f]{64}\.onnx(\.[0-9a-f]{8}\.part)?$/.test(entry);
      if (isCopy && !names.has(entry)) rmSync(join(this.#folder, entry), { force: true });
    }
  }

  get #listPath(): string {
    return join(this.#folder, "kept.json");
  }

  /** Empty where there is no list, or none that can be read: the copies are asked for again then. */
  #read(): Map<string, ModelId[]> {
    try {
      return new Map(JSON.parse(readFileSync(this.#listPath, "utf8")) as [string, ModelId[]][]);
    } catch {
      return new Map();
    }
  }
}

export function sha256Of(file: Uint8Array): string {
  return createHash("sha256").update(file).digest("hex");
}

function fileName({ sha256 }: ModelId): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new AppError("protocol", "the trainer sent a malformed hash");
  return `${sha256}.onnx`;
}

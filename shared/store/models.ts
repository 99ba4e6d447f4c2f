import type { Database } from "bun:sqlite";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../base/errors.ts";
import { replaceFile } from "../base/replace-file.ts";
import type { ModelCard } from "../wire/messages/models.ts";
import { hashOf } from "./blobs.ts";
import { storeError } from "./database.ts";

interface ModelRow {
  readonly name: string;
  readonly version: number;
  readonly file: string;
  readonly file_bytes: number;
  readonly sha256: string;
  readonly classes: string;
  readonly info: string;
  readonly created_ms: number;
}

/**
 * Refuses names that could not be a file's on every system. Throws `usage`.
 */
export function checkModelName(name: string): string {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,63}$/u.test(name)) {
    throw new AppError("usage", `"${name}" cannot be a model's name`, {
      hint: "use up to 64 letters, digits, dots, dashes and underscores",
    });
  }
  return name;
}

/** Every version of every model: files in a folder, rows in the database. Versions count from 1 for each name. */
export class ModelRegistry {
  readonly #database: Database;
  readonly #folder: string;

  constructor(database: Database, folder: string) {
    this.#database = database;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#sweep();
  }

  /**
   * Keeps a new version: its file first, then its row, so that a row always has its file.
   *
   * @param encode makes the file, given the version that it will have
   */
  add(
    name: string,
    encode: (version: number) => Uint8Array,
    more: { readonly classes: readonly string[]; readonly info: string; readonly createdMs: number },
  ): ModelCard {
    checkModelName(name);
    const version = (this.newest(name)?.version ?? 0) + 1;
    const file = `${name}-v${version}.onnx`;
    const bytes = encode(version);
    try {
      replaceFile(join(this.#folder, file), bytes);
      this.#database
        .query(
          `INSERT INTO models (name, version, file, file_bytes, sha256, classes, info, created_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          name,
          version,
          file,
          bytes.length,
          hashOf(bytes),
          JSON.stringify(more.classes),
          more.info,
          more.createdMs,
        );
    } catch (error) {
      throw storeError(error, `the model ${name} cannot be saved`);
    }
    return this.get(name, version)!;
  }

  /** Forgets a version: its row first, so that no row is ever without its file. */
  remove({ name, version }: Pick<ModelCard, "name" | "version">): void {
    try {
      this.#database.query("DELETE FROM models WHERE name = ? AND version = ?").run(name, version);
      rmSync(this.path({ name, version }), { force: true });
    } catch (error) {
      throw storeError(error, `version ${version} of the model ${name} cannot be removed`);
    }
  }

  /** All versions, newest first. */
  list(): ModelCard[] {
    return this.#rows("SELECT * FROM models ORDER BY created_ms DESC, version DESC LIMIT 10000").map(cardOf);
  }

  /** The newest of `name`; of any name when it is empty. */
  newest(name: string): ModelCard | undefined {
    const rows =
      name === ""
        ? this.#rows("SELECT * FROM models ORDER BY created_ms DESC, version DESC LIMIT 1")
        : this.#rows("SELECT * FROM models WHERE name = ? ORDER BY version DESC LIMIT 1", name);
    return rows.map(cardOf)[0];
  }

  /** @param version 0 for the newest */
  get(name: string, version: number): ModelCard | undefined {
    if (version === 0) return this.newest(name);
    return this.#rows("SELECT * FROM models WHERE name = ? AND version = ?", name, version).map(cardOf)[0];
  }

  /** Where the file of a version is. */
  path(card: Pick<ModelCard, "name" | "version">): string {
    return join(this.#folder, `${card.name}-v${card.version}.onnx`);
  }

  #rows(sql: string, ...values: (string | number)[]): ModelRow[] {
    return this.#database.query<ModelRow, (string | number)[]>(sql).all(...values);
  }

  /** Files that a killed process left without their row are removed; rows whose file is gone, too. */
  #sweep(): void {
    const known = new Set<string>();
    for (const { name, version, file } of this.#rows("SELECT * FROM models")) {
      if (existsSync(join(this.#folder, file))) known.add(file);
      else this.#database.query("DELETE FROM models WHERE name = ? AND version = ?").run(name, version);
    }
    for (const file of readdirSync(this.#folder)) {
      // What people put there by other names is theirs.
      const isOurs = /-v\d+\.onnx(\.[0-9a-f]+\.part)?$/.test(file);
      if (isOurs && !known.has(file)) rmSync(join(this.#folder, file), { force: true });
    }
  }
}

function cardOf(row: ModelRow): ModelCard {
  return {
    name: row.name,
    version: row.version,
    fileBytes: row.file_bytes,
    sha256: row.sha256,
    classes: JSON.parse(row.classes) as string[],
    info: row.info,
    createdMs: row.created_ms,
  };
}

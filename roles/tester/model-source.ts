import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import { replaceFile } from "../../shared/base/replace-file.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import {
  FetchModel,
  FollowModel,
  FollowTraining,
  type JobStatus,
  ModelAvailable,
  type ModelCard,
  ModelMissing,
  ModelPiece,
  TrainingStatus,
} from "../../shared/wire/messages/models.ts";

/** A model file larger than this is refused. */
const MODEL_FILE_BYTES_MAX = 512 * 1024 * 1024;

/** Follows a trainer's models: fetches the newest, checks it against its hash, keeps a copy for the next start. */
export class ModelSource {
  readonly #name: string;
  readonly #folder: string;
  readonly #log: Log;
  readonly #onModel: (file: Uint8Array, card: ModelCard) => Promise<void>;
  readonly #onTraining: ((jobs: readonly JobStatus[]) => void) | undefined;
  #have = "";

  constructor(parts: {
    /** The model to follow; any when empty. */
    readonly name: string;
    readonly dataDir: string;
    readonly log: Log;
    /** A new model is here. */
    readonly onModel: (file: Uint8Array, card: ModelCard) => Promise<void>;
    /** How training goes; not asked for when absent. */
    readonly onTraining?: (jobs: readonly JobStatus[]) => void;
  }) {
    this.#name = parts.name;
    this.#folder = join(parts.dataDir, "models");
    this.#log = parts.log;
    this.#onModel = parts.onModel;
    this.#onTraining = parts.onTraining;
    mkdirSync(this.#folder, { recursive: true });
  }

  /** One session with the trainer: until the link ends. */
  async follow(link: Connection): Promise<void> {
    let fetching: { readonly card: ModelCard; readonly file: Uint8Array; at: number } | undefined;
    let next: ModelCard | undefined;
    const fetch = async (card: ModelCard): Promise<void> => {
      if (card.fileBytes > MODEL_FILE_BYTES_MAX) {
        throw new AppError("protocol", `the trainer offers a model of ${card.fileBytes} B`);
      }
      fetching = { card, file: new Uint8Array(card.fileBytes), at: 0 };
      await link.send(FetchModel, { name: card.name, version: card.version });
    };
    const dispatch = new Dispatch()
      .on(TrainingStatus, ({ jobs }) => this.#onTraining?.(jobs))
      .on(ModelAvailable, async ({ card }) => {
        if (card.sha256 === this.#have || card.sha256 === fetching?.card.sha256) return;
        const kept = this.#kept(card);
        if (kept !== undefined) await this.#take(kept, card);
        else if (fetching === undefined) await fetch(card);
        else next = card;
      })
      .on(ModelMissing, ({ name, version }) => {
        this.#log.warn("the trainer no longer has the model it offered", { name, version });
        fetching = undefined;
      })
      .on(ModelPiece, async ({ offset, piece }) => {
        if (
          fetching === undefined ||
          offset !== fetching.at ||
          offset + piece.length > fetching.file.length
        ) {
          throw new AppError("protocol", "a piece of a model came out of place");
        }
        fetching.file.set(piece, offset);
        fetching.at += piece.length;
        if (fetching.at < fetching.file.length) return;
        const { card, file } = fetching;
        fetching = undefined;
        await this.#take(file, card);
        if (next !== undefined) await fetch(next);
        next = undefined;
      });
    await link.send(FollowModel, { name: this.#name });
    if (this.#onTraining !== undefined) await link.send(FollowTraining, {});
    for await (const message of link.messages()) await dispatch.run(message);
  }

  async #take(file: Uint8Array, card: ModelCard): Promise<void> {
    if (createHash("sha256").update(file).digest("hex") !== card.sha256) {
      throw new AppError("protocol", `model ${card.name} version ${card.version} came damaged`);
    }
    try {
      await this.#onModel(file, card);
      this.#have = card.sha256;
    } catch (error) {
      this.#log.error("a model cannot be used; keeping the one before", { model: card.name, error });
      return;
    }
    try {
      replaceFile(this.#pathOf(card), file);
    } catch (error) {
      this.#log.warn("the model could not be kept for the next start", { model: card.name, error });
    }
  }

  /** The copy of an earlier start, when it is whole. */
  #kept(card: ModelCard): Uint8Array | undefined {
    try {
      const file = readFileSync(this.#pathOf(card));
      return createHash("sha256").update(file).digest("hex") === card.sha256 ? file : undefined;
    } catch {
      return undefined;
    }
  }

  #pathOf({ sha256 }: ModelCard): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new AppError("protocol", "the trainer sent a malformed hash");
    return join(this.#folder, `${sha256}.onnx`);
  }
}

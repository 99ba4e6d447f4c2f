import { AppError } from "../../shared/base/errors.ts";
import { MODEL_FILE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Connection } from "../../shared/net/connection.ts";
import { Dispatch } from "../../shared/wire/message.ts";
import type { JobStatus } from "../../shared/wire/messages/job-status.ts";
import {
  FetchModel,
  FollowModel,
  FollowTraining,
  ModelAvailable,
  type ModelCard,
  ModelMissing,
  ModelPiece,
  TrainingStatus,
} from "../../shared/wire/messages/models.ts";
import { KeptModels, type ModelId, sha256Of } from "./kept-models.ts";

/** Follows a trainer's models: fetches the newest, checks it against its hash, keeps a copy for the next start. */
export class ModelSource {
  readonly #name: string;
  readonly #kept: KeptModels;
  readonly #log: Log;
  readonly #onModel: (file: Uint8Array) => Promise<void>;
  readonly #onTraining: ((jobs: readonly JobStatus[]) => void) | undefined;
  #have = "";

  constructor(parts: {
    /** The model to follow; any when empty. */
    readonly name: string;
    readonly dataDir: string;
    readonly log: Log;
    /** A new model is here. */
    readonly onModel: (file: Uint8Array) => Promise<void>;
    /** How training goes; not asked for when absent. */
    readonly onTraining?: (jobs: readonly JobStatus[]) => void;
  }) {
    this.#name = parts.name;
    this.#kept = new KeptModels(parts.dataDir);
    this.#log = parts.log;
    this.#onModel = parts.onModel;
    this.#onTraining = parts.onTraining;
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
    const fetchNext = async (): Promise<void> => {
      const card = next;
      next = undefined;
      if (card !== undefined) await fetch(card);
    };
    const dispatch = new Dispatch()
      .on(TrainingStatus, ({ jobs }) => this.#onTraining?.(jobs))
      .on(ModelAvailable, async ({ card }) => {
        if (card.sha256 === this.#have || card.sha256 === fetching?.card.sha256) return;
        const kept = this.#kept.file(card);
        if (kept !== undefined) await this.#take(kept, card);
        else if (fetching === undefined) await fetch(card);
        else next = card;
      })
      .on(ModelMissing, async ({ name, version }) => {
        this.#log.warn("the trainer no longer has the model it offered", { name, version });
        fetching = undefined;
        await fetchNext();
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
        await fetchNext();
      });
    await link.send(FollowModel, { name: this.#name });
    if (this.#onTraining !== undefined) await link.send(FollowTraining, {});
    for await (const message of link.messages()) await dispatch.run(message);
  }

  /** Takes up the model that it had last, for as long as no trainer offers a newer one; nothing where it had none. */
  async useKept(): Promise<void> {
    const kept = this.#kept.newest(this.#name);
    if (kept !== undefined) await this.#take(kept.file, kept.id);
  }

  async #take(file: Uint8Array, id: ModelId): Promise<void> {
    if (sha256Of(file) !== id.sha256) {
      throw new AppError("protocol", `model ${id.name} version ${id.version} came damaged`);
    }
    try {
      await this.#onModel(file);
      this.#have = id.sha256;
    } catch (error) {
      this.#log.error("a model cannot be used; keeping the one before", { model: id.name, error });
      return;
    }
    try {
      this.#kept.keep(this.#name, id, file);
    } catch (error) {
      this.#log.warn("the model could not be kept for the next start", { model: id.name, error });
    }
  }
}

import { AppError } from "../base/errors.ts";
import { MODEL_FILE_BYTES_MAX } from "../base/limits.ts";
import type { Connection } from "../net/connection.ts";
import { hashOf } from "../store/blobs.ts";
import { messageTag } from "../wire/message.ts";
import {
  FetchModel,
  type ModelCard,
  ModelMissing,
  ModelPiece,
  ModelsReply,
  ModelsRequest,
} from "../wire/messages/models.ts";

/** Questions of a command to the trainer about its models. The link is used by nobody else meanwhile. */
export class ModelClient {
  readonly #link: Connection;
  readonly #inbox: AsyncIterableIterator<Buffer>;

  constructor(link: Connection) {
    this.#link = link;
    this.#inbox = link.messages();
  }

  /** Every version of every model, newest first. */
  async list(): Promise<ModelCard[]> {
    await this.#link.send(ModelsRequest, {});
    return ModelsReply.decode(await this.#next()).models;
  }

  /**
   * The file of a model.
   *
   * @param version 0 for the newest
   * @throws {AppError} `input` when there is no such model
   */
  async fetch(name: string, version: number): Promise<Uint8Array> {
    const card = (await this.list()).find(
      (one) => one.name === name && (version === 0 || one.version === version),
    );
    const missing = new AppError(
      "input",
      `the trainer has no model ${name}${version > 0 ? ` v${version}` : ""}`,
      {
        hint: "vigia models lists what there is",
      },
    );
    if (card === undefined) throw missing;
    if (card.fileBytes > MODEL_FILE_BYTES_MAX) throw new AppError("protocol", "the model is too large");
    await this.#link.send(FetchModel, { name, version: card.version });
    const file = new Uint8Array(card.fileBytes);
    for (let at = 0; at < file.length; ) {
      const body = await this.#next();
      if (messageTag(body) === ModelMissing.tag) throw missing;
      const { offset, piece } = ModelPiece.decode(body);
      if (offset !== at || at + piece.length > file.length) {
        throw new AppError("protocol", "a piece of a model came out of place");
      }
      file.set(piece, at);
      at += piece.length;
    }
    if (hashOf(file) !== card.sha256) throw new AppError("protocol", `model ${name} came damaged`);
    return file;
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#inbox.next();
    if (done === true) {
      const cause = this.#link.closed.reason;
      throw new AppError("unavailable", "the trainer ended the link", { cause });
    }
    return value;
  }
}

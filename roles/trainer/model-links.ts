import { createReadStream } from "node:fs";
import { PIECE_SIZE_BYTES_MAX } from "../../shared/base/limits.ts";
import type { Connection } from "../../shared/net/connection.ts";
import type { ModelRegistry } from "../../shared/store/models.ts";
import type { Dispatch } from "../../shared/wire/message.ts";
import {
  FetchModel,
  FollowModel,
  FollowTraining,
  ModelAvailable,
  type ModelCard,
  ModelMissing,
  ModelPiece,
  ModelsReply,
  ModelsRequest,
  TrainingStatus,
} from "../../shared/wire/messages/models.ts";
import type { Board } from "./board.ts";

/** Tells those who follow a model that there is a newer version. */
export class ModelNews {
  readonly #followers = new Set<(card: ModelCard) => void>();

  follow(tell: (card: ModelCard) => void): Disposable {
    this.#followers.add(tell);
    return { [Symbol.dispose]: () => void this.#followers.delete(tell) };
  }

  publish(card: ModelCard): void {
    for (const tell of this.#followers) tell(card);
  }
}

/** What anyone may ask about models and training: added to the answers of a link. */
export function answerModels(
  dispatch: Dispatch,
  link: Connection,
  { registry, news, board }: { registry: ModelRegistry; news: ModelNews; board: Board },
): Dispatch {
  const untilClosed = (subscription: Disposable): void => {
    link.closed.addEventListener("abort", () => subscription[Symbol.dispose](), { once: true });
  };
  // A link that ends while something is sent is seen by its reader.
  const tell = (sent: Promise<void>): void => void sent.catch(() => {});
  return dispatch
    .on(ModelsRequest, () => link.send(ModelsReply, { models: registry.list() }))
    .on(FollowModel, ({ name }) => {
      const newest = name === "" ? registry.list().find(seesObjects) : registry.newest(name);
      if (newest !== undefined) tell(link.send(ModelAvailable, { card: newest }));
      untilClosed(
        news.follow((card) => {
          if (name === "" ? seesObjects(card) : card.name === name) tell(link.send(ModelAvailable, { card }));
        }),
      );
    })
    .on(FetchModel, async ({ name, version }) => {
      const card = registry.get(name, version);
      if (card === undefined) await link.send(ModelMissing, { name, version });
      else await sendModel(link, registry, card);
    })
    .on(FollowTraining, () => {
      const show = (): void => tell(link.send(TrainingStatus, { jobs: board.list() }));
      show();
      untilClosed(board.follow(show));
    });
}

/** Whoever asks for any model wants to find things: a face model only names what was found, and is asked for by name. */
function seesObjects({ info }: ModelCard): boolean {
  return (JSON.parse(info) as { network?: { kind?: string } }).network?.kind !== "mlp";
}

async function sendModel(link: Connection, registry: ModelRegistry, card: ModelCard): Promise<void> {
  const { name, version, fileBytes: totalBytes } = card;
  let offset = 0;
  const stream = createReadStream(registry.path(card), { highWaterMark: PIECE_SIZE_BYTES_MAX });
  for await (const chunk of stream) {
    const piece = chunk as Buffer;
    await link.send(ModelPiece, { name, version, offset, totalBytes, piece });
    offset += piece.length;
  }
}

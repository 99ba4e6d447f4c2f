import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sha256Of } from "../../../roles/tester/kept-models.ts";
import { ModelSource } from "../../../roles/tester/model-source.ts";
import { silentLog } from "../../../shared/base/log.ts";
import type { Connection } from "../../../shared/net/connection.ts";
import { Dispatch } from "../../../shared/wire/message.ts";
import {
  FetchModel,
  FollowModel,
  ModelAvailable,
  type ModelCard,
  ModelMissing,
  ModelPiece,
} from "../../../shared/wire/messages/models.ts";
import { pair } from "../../shared/net/support.ts";
import { tempFolder } from "../../support/temp.ts";

const FILES = ["one", "two", "three"].map((text) => Buffer.from(text));

/** What the trainer offers as a version of "birds". */
function cardOf(file: Buffer, version: number): ModelCard {
  const facts = { fileBytes: file.length, sha256: sha256Of(file), classes: [], info: "", createdMs: 0 };
  return { name: "birds", version, ...facts };
}

/** A trainer's end of a link: offers each of the versions as soon as the one before is fetched. */
async function offer(link: Connection, files: readonly Buffer[]): Promise<void> {
  const send = (version: number): Promise<void> =>
    link.send(ModelAvailable, { card: cardOf(files[version - 1]!, version) });
  const dispatch = new Dispatch()
    .on(FollowModel, () => send(1))
    .on(FetchModel, async ({ name, version }) => {
      const piece = files[version - 1]!;
      await link.send(ModelPiece, { name, version, offset: 0, totalBytes: piece.length, piece });
      if (version < files.length) await send(version + 1);
    });
  for await (const message of link.messages()) await dispatch.run(message);
}

/** Follows "birds" in a data directory; what it takes up is in `taken`. */
function followerOf(dataDir: string, name = "birds") {
  const taken: string[] = [];
  const all = Promise.withResolvers<void>();
  const onModel = async (file: Uint8Array): Promise<void> => {
    taken.push(Buffer.from(file).toString());
    if (taken.length === FILES.length) all.resolve();
  };
  return { source: new ModelSource({ name, dataDir, log: silentLog, onModel }), taken, all: all.promise };
}

/** A data directory of who has followed all of "birds". */
async function followed(dataDir: string): Promise<void> {
  await using links = await pair({ listen: { accept: ["tester"] }, connect: { role: "tester" } });
  const { source, all } = followerOf(dataDir);
  const [offering, following] = [offer(links.far, FILES), source.follow(links.near)];
  await all;
  await links.far.close();
  await Promise.all([offering, following]);
}

test("starts without the trainer with the model that it had last, and keeps no more than two", async () => {
  using folder = tempFolder();
  await followed(folder.path);
  const copies = readdirSync(join(folder.path, "kept-models")).filter((name) => name.endsWith(".onnx"));
  expect(copies.sort()).toEqual(
    FILES.slice(1)
      .map((file) => `${sha256Of(file)}.onnx`)
      .sort(),
  );

  const again = followerOf(folder.path);
  await again.source.useKept();
  expect(again.taken).toEqual(["three"]);
  const other = followerOf(folder.path, "faces");
  await other.source.useKept();
  expect(other.taken).toEqual([]);
});

test("a copy that is damaged is passed over for the one before", async () => {
  using folder = tempFolder();
  await followed(folder.path);
  await Bun.write(join(folder.path, "kept-models", `${sha256Of(FILES[2]!)}.onnx`), "thr");
  const again = followerOf(folder.path);
  await again.source.useKept();
  expect(again.taken).toEqual(["two"]);
});

test("a version that is gone when it is asked for does not keep the one after it away", async () => {
  using folder = tempFolder();
  await using links = await pair({ listen: { accept: ["tester"] }, connect: { role: "tester" } });
  const [gone, whole] = [FILES[0]!, FILES[1]!];
  const dispatch = new Dispatch()
    .on(FollowModel, async () => {
      await links.far.send(ModelAvailable, { card: cardOf(gone, 1) });
      await links.far.send(ModelAvailable, { card: cardOf(whole, 2) });
    })
    .on(FetchModel, async ({ name, version }) => {
      const piece = { name, version, offset: 0, totalBytes: whole.length, piece: whole };
      if (version === 1) await links.far.send(ModelMissing, { name, version });
      else await links.far.send(ModelPiece, piece);
    });
  const serve = async (): Promise<void> => {
    for await (const message of links.far.messages()) await dispatch.run(message);
  };
  const taken = Promise.withResolvers<string>();
  const onModel = async (file: Uint8Array): Promise<void> => taken.resolve(Buffer.from(file).toString());
  const source = new ModelSource({ name: "birds", dataDir: folder.path, log: silentLog, onModel });
  const both = [serve(), source.follow(links.near)];
  expect(await taken.promise).toBe("two");
  await links.far.close();
  await Promise.all(both);
});

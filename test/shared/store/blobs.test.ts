import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BlobStore, hashOf } from "../../../shared/store/blobs.ts";
import { tempFolder } from "../../support/temp.ts";

const bytes = new TextEncoder().encode("what is kept is what was given");
const name = hashOf(bytes);

test("a blob in pieces is kept under its hash, and is there after a new start", async () => {
  using folder = tempFolder();
  const store = new BlobStore(folder.path);
  const receiver = await store.receive(name, bytes.length);
  expect(await receiver.take(0, bytes.subarray(0, 7))).toBe(false);
  expect(store.has(name)).toBe(false);
  expect(await receiver.take(7, bytes.subarray(7))).toBe(true);
  expect(await new BlobStore(folder.path).read(name)).toEqual(Buffer.from(bytes));
  expect(readdirSync(join(folder.path, "incoming"))).toEqual([]);
});

test("what is not what its name says is refused, and leaves nothing", async () => {
  using folder = tempFolder();
  const store = new BlobStore(folder.path);
  const wrong = bytes.slice();
  wrong[3]! ^= 1;
  const receiver = await store.receive(name, wrong.length);
  await expect(receiver.take(0, wrong)).rejects.toThrow("another content");
  const other = await store.receive(name, bytes.length);
  await expect(other.take(5, bytes)).rejects.toThrow("out of order");
  expect(store.has(name)).toBe(false);
});

test("a draft that a killed process of the same number left behind is in nobody's way", async () => {
  using folder = tempFolder();
  const store = new BlobStore(folder.path);
  // In a container every start has the same number.
  for (let i = 0; i < 3; i++)
    writeFileSync(join(folder.path, "incoming", `${process.pid}-${i}`), "half of it");
  expect(await store.put(bytes)).toBe(name);
});

test("two stores of one folder in one process receive side by side", async () => {
  using folder = tempFolder();
  const receivers = await Promise.all([
    new BlobStore(folder.path).receive(name, bytes.length),
    new BlobStore(folder.path).receive(name, bytes.length),
  ]);
  for (const receiver of receivers) expect(await receiver.take(0, bytes)).toBe(true);
});

test("a blob that was damaged on disk counts as missing", async () => {
  using folder = tempFolder();
  const store = new BlobStore(folder.path);
  expect(await store.put(bytes)).toBe(name);
  writeFileSync(store.path(name), "something else");
  await expect(store.read(name)).rejects.toThrow("not in the store");
  expect(store.has(name)).toBe(false);
});

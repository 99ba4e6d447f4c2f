import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log, silentLog } from "../../../shared/base/log.ts";
import { keyFilePath, keyFromFile } from "../../../shared/net/key-file.ts";
import { openSite, siteOf } from "../../../shared/net/site.ts";
import { formatToken, newToken } from "../../../shared/net/token.ts";
import { appErrorOf } from "../../support/app-error.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { KEY } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

let folder: string;
let env: { home: string | undefined; token: string | undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vigia-site-"));
  env = { home: process.env.VIGIA_HOME, token: process.env.VIGIA_TOKEN };
  process.env.VIGIA_HOME = folder;
  delete process.env.VIGIA_TOKEN;
});
afterEach(async () => {
  restore("VIGIA_HOME", env.home);
  restore("VIGIA_TOKEN", env.token);
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

test("the first start makes a key that only its user can read; later starts use it", async () => {
  const first = await openSite({ log: silentLog });
  const second = await openSite({ log: silentLog });
  expect(second.token).toBe(first.token);
  expect(second.nodeId).not.toBe(first.nodeId);
  const path = join(folder, "site.key");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await readFile(path, "utf8")).trim()).toBe(first.token);
  expect(await readdir(folder)).toEqual(["site.key"]);
});

test("a token given comes first, then the environment's, then the file's", async () => {
  const inFile = (await openSite({ log: silentLog })).token;
  const [inEnvironment, given] = [newToken(), newToken()];
  process.env.VIGIA_TOKEN = inEnvironment;
  expect((await openSite({ token: given, log: silentLog })).token).toBe(given);
  expect((await openSite({ log: silentLog })).token).toBe(inEnvironment);
  delete process.env.VIGIA_TOKEN;
  expect((await openSite({ log: silentLog })).token).toBe(inFile);
});

test("a token with a typing error is wrong usage", async () => {
  const token = `${newToken().slice(0, -4)}0000`;
  expect(await appErrorOf(openSite({ token, log: silentLog }))).toMatchObject({ kind: "usage" });
});

test("a key file that others can read is refused, with what to do", async () => {
  await openSite({ log: silentLog });
  await chmod(join(folder, "site.key"), 0o640);
  expect(await appErrorOf(openSite({ log: silentLog }))).toMatchObject({
    kind: "refused",
    hint: `chmod 600 ${join(folder, "site.key")}`,
  });
});

test.each(["", "hello", `${newToken()}x`])(
  "a key file that holds %p is named, and left alone",
  async (text) => {
    await writeFile(join(folder, "site.key"), text, { mode: 0o600 });
    expect(await appErrorOf(openSite({ log: silentLog }))).toMatchObject({
      kind: "input",
      message: expect.stringContaining("site.key does not hold a site key"),
    });
    expect(await readFile(join(folder, "site.key"), "utf8")).toBe(text);
  },
);

test("where no file can be made the key lasts as long as the process, with a warning", async () => {
  await writeFile(join(folder, "no-folder"), "");
  const lines: string[] = [];
  const log = new Log("test", [(line) => lines.push(line)]);
  const key = await keyFromFile(join(folder, "no-folder", "site.key"), log);
  expect(key).toHaveLength(16);
  expect(lines.join()).toContain("cannot keep the site key");
});

test("many that start at once agree on one key", async () => {
  const keys = await Promise.all(
    Array.from({ length: 20 }, () => keyFromFile(join(folder, "new", "site.key"), silentLog)),
  );
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect(await readdir(join(folder, "new"))).toEqual(["site.key"]);
});

test("processes that start at once agree on one key", async () => {
  const script = `
    const { openSite } = await import(${JSON.stringify(join(import.meta.dir, "../../../shared/net/site.ts"))});
    const { silentLog } = await import(${JSON.stringify(join(import.meta.dir, "../../../shared/base/log.ts"))});
    process.stdout.write((await openSite({ log: silentLog })).token);`;
  const tokens = await Promise.all(
    Array.from({ length: 4 }, () => {
      const child = Bun.spawn([process.execPath, "-e", script], {
        env: { ...process.env, VIGIA_HOME: folder },
      });
      return new Response(child.stdout).text();
    }),
  );
  expect(new Set(tokens).size).toBe(1);
  expect(tokens[0]).toHaveLength(35);
});

test("the key file is where people look for it", () => {
  expect(keyFilePath({ VIGIA_HOME: "/h", XDG_CONFIG_HOME: "/x" })).toBe("/h/site.key");
  expect(keyFilePath({ XDG_CONFIG_HOME: "/x" })).toBe("/x/vigia/site.key");
  expect(keyFilePath({})).toEndWith("/.config/vigia/site.key");
});

test("a MAC depends on the key, the purpose, and where one part ends and the next begins", () => {
  const site = siteOf(KEY, "x");
  const [ab, c, a, bc] = ["ab", "c", "a", "bc"].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const macs = [
    site.mac("p", [ab, c]),
    site.mac("p", [a, bc]),
    site.mac("q", [ab, c]),
    siteOf(Buffer.alloc(16, 9), "x").mac("p", [ab, c]),
  ];
  expect(new Set(macs.map((mac) => mac.toString("hex"))).size).toBe(4);
  expect(siteOf(KEY, "y").mac("p", [ab, c])).toEqual(macs[0]!);
  expect(site.token).toBe(formatToken(KEY));
});

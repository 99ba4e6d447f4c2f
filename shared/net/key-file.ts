import { constants } from "node:fs";
import { link, mkdir, open, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { AppError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { formatToken, newKey, parseToken } from "./token.ts";

/** `$VIGIA_HOME/site.key`, else `vigia/site.key` in `$XDG_CONFIG_HOME` or in `~/.config`. */
export function keyFilePath(env: NodeJS.ProcessEnv = process.env): string {
  if (env.VIGIA_HOME) return join(env.VIGIA_HOME, "site.key");
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "vigia", "site.key");
}

/**
 * The key in the file at `path`; a new one is put there when there is no file. Processes that start at once agree on
 * one. Where no file can be made the key is new for this process, with a warning. Throws `refused` when others can
 * read the file and `input` when it holds no token.
 */
export async function keyFromFile(path: string, log: Log): Promise<Buffer> {
  const found = await readKey(path);
  if (found !== undefined) return found;
  const key = newKey();
  try {
    if (await createKey(path, key)) log.info("made a new site key", { file: path });
  } catch (cause) {
    log.warn(
      "cannot keep the site key in a file: it lasts as long as this process. Give every process --token",
      {
        file: path,
        error: cause,
      },
    );
    return key;
  }
  return (await readKey(path)) ?? key;
}

async function readKey(path: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    await using file = await open(path, "r");
    const { mode } = await file.stat();
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new AppError("refused", `other users can read the site key in ${path}`, {
        hint: `chmod 600 ${path}`,
      });
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    text = buffer.toString("utf8", 0, bytesRead);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new AppError("input", `cannot read the site key in ${path}`, { cause });
  }
  try {
    return parseToken(text);
  } catch (cause) {
    throw new AppError("input", `${path} does not hold a site key`, {
      cause,
      hint: `give --token, or remove the file to have a new key made`,
    });
  }
}

/** Puts the key there, whole or not at all; false when somebody else was first. */
async function createKey(path: string, key: Buffer): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${newKey().toString("hex")}`;
  try {
    {
      await using file = await open(draft, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
      await file.writeFile(`${formatToken(key)}\n`);
      await file.sync();
    }
    await link(draft, path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  } finally {
    await unlink(draft).catch(() => {});
  }
}

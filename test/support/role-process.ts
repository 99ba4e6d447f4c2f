import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { Address } from "../../shared/net/connection.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");
const READY_WITHIN_MS = 30_000;
const POLL_MS = 10;

/** A role as a real process, which ends, by SIGKILL, with whoever holds it. */
export interface RoleProcess extends AsyncDisposable {
  readonly pid: number;
  readonly address: Address;
  /** `kill -9`: no destructor, no handler, nothing flushed. */
  kill(): Promise<void>;
}

/**
 * Starts a role from source and waits until it listens. Throws with what it said when it ends first.
 *
 * @param folder its working directory, for it alone
 * @param token the site key
 */
export async function startRole(
  folder: string,
  token: string,
  role: string,
  words: readonly string[],
): Promise<RoleProcess> {
  mkdirSync(folder, { recursive: true });
  const ready = join(folder, "ready.json");
  rmSync(ready, { force: true });
  const said = Bun.file(join(folder, "stderr.txt"));
  const child: Subprocess = Bun.spawn(
    [process.execPath, MAIN, "--role", role, ...words, "--ready", ready, "--quiet"],
    {
      cwd: folder,
      env: { ...process.env, VIGIA_TOKEN: token },
      stdin: "ignore",
      stdout: "ignore",
      stderr: said,
    },
  );
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!existsSync(ready)) {
    if (child.exitCode !== null) throw new Error(`${role} did not start: ${await said.text()}`);
    if (performance.now() > deadline) {
      await kill();
      throw new Error(`${role} was not ready in time: ${await said.text()}`);
    }
    await Bun.sleep(POLL_MS);
  }
  const { address } = JSON.parse(readFileSync(ready, "utf8")) as { address: Address };
  return { pid: child.pid, address, kill, [Symbol.asyncDispose]: kill };
}

import { closeSync, openSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { AppError } from "../../shared/base/errors.ts";
import type { Log } from "../../shared/base/log.ts";
import type { Address } from "../../shared/net/connection.ts";

/** How long a process may take from its start until it listens. */
const READY_WITHIN_MS = 30_000;
/** How long a process may take to finish cleanly. */
const STOP_WITHIN_MS = 15_000;
const POLL_MS = 50;

/** What a process says when it listens: see the `--ready` flag. */
export interface Ready {
  readonly address?: Address;
}

/** The words that start this very program again, compiled or from source. */
export function selfCommand(): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/") || Bun.main.includes("~BUN");
  return isCompiled ? [process.execPath] : [process.execPath, Bun.main];
}

/** The processes of one site on this machine. What they say goes to one log file that all of them share. */
export class SiteProcesses implements AsyncDisposable {
  readonly #folder: string;
  readonly #token: string;
  readonly #log: Log;
  readonly #running: { readonly name: string; readonly process: Subprocess }[] = [];
  #stopping = false;

  /** @param folder holds each process's own data, the log file `vigia.log` and the ready files */
  constructor(folder: string, token: string, log: Log) {
    this.#folder = folder;
    this.#token = token;
    this.#log = log;
    process.on("exit", this.#endAll);
  }

  /** When this process ends without having stopped the others (Ctrl-C twice), they must not stay. */
  readonly #endAll = (): void => {
    for (const { process: child } of this.#running) child.kill("SIGKILL");
  };

  get logPath(): string {
    return join(this.#folder, "vigia.log");
  }

  /**
   * Starts a role and waits until it is ready. Throws with the end of what it said when it ends first.
   *
   * @param name unique; also the name of its data folder
   */
  async start(name: string, words: readonly string[], signal: AbortSignal): Promise<Ready> {
    await mkdir(join(this.#folder, name), { recursive: true });
    const readyPath = join(this.#folder, name, "ready.json");
    await rm(readyPath, { force: true });
    const said = openSync(join(this.#folder, name, "stderr.txt"), "w");
    const child = Bun.spawn([...selfCommand(), ...words, "--log", this.logPath, "--ready", readyPath], {
      cwd: join(this.#folder, name),
      env: { ...process.env, VIGIA_TOKEN: this.#token },
      stdin: "ignore",
      stdout: "ignore",
      stderr: said,
      // A group of its own: Ctrl-C reaches this process alone, which ends the others in order.
      detached: true,
      onExit: (_, code, signalCode) => {
        if (!this.#stopping) this.#log.error(`${name} ended`, { code, signal: signalCode });
      },
    });
    closeSync(said); // the child has its own
    this.#running.push({ name, process: child });
    const deadline = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const file = Bun.file(readyPath);
      if (await file.exists()) return (await file.json()) as Ready;
      if (child.exitCode !== null || child.signalCode !== null) {
        const text = await Bun.file(join(this.#folder, name, "stderr.txt")).text();
        throw new AppError(
          "unavailable",
          `${name} did not start: ${text.trim().split("\n").slice(-3).join(" ")}`,
        );
      }
      if (signal.aborted) throw new AppError("cancelled", "stopped");
      if (performance.now() > deadline) {
        throw new AppError("unavailable", `${name} was not ready within ${READY_WITHIN_MS / 1000} s`, {
          hint: `what it said is in ${this.logPath}`,
        });
      }
      await Bun.sleep(POLL_MS);
    }
  }

  /** Asks one process to finish, and waits for it. */
  async stop(name: string): Promise<void> {
    this.#stopping = true;
    const one = this.#running.find((running) => running.name === name);
    if (one === undefined) return;
    one.process.kill("SIGTERM");
    const ended = await Promise.race([
      one.process.exited.then(() => true),
      Bun.sleep(STOP_WITHIN_MS).then(() => false),
    ]);
    if (!ended) {
      this.#log.warn(`${name} did not finish in time and was ended`);
      one.process.kill("SIGKILL");
      await one.process.exited;
    }
  }

  /** Ends whatever still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map(({ name }) => this.stop(name)));
    process.off("exit", this.#endAll);
  }
}

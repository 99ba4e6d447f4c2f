import { join, resolve } from "node:path";
import { silentLog } from "../../../shared/base/log.ts";
import { within } from "../../../shared/base/wait.ts";
import { connect } from "../../../shared/net/connect.ts";
import type { Address, Connection } from "../../../shared/net/connection.ts";
import { openSite } from "../../../shared/net/site.ts";

const MAIN = resolve(import.meta.dir, "../../../src/main.ts");
const START_TIMEOUT_MS = 30_000;

/** A process of the benchmark, killed when disposed. */
export class Part implements AsyncDisposable {
  readonly child: Bun.Subprocess;
  readonly address: Address;

  constructor(child: Bun.Subprocess, address: Address) {
    this.child = child;
    this.address = address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }
}

/** Cameras that send files, one each. `onBegin` hears each time that a camera's file begins anew. */
export async function startCameras(
  files: readonly string[],
  framesPerSecond: number,
  onBegin: (camera: string, wallMs: number) => void = () => {},
): Promise<Part & { readonly names: readonly string[] }> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../cameras-source.ts"), String(framesPerSecond), ...files],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const port = Promise.withResolvers<number>();
  void (async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [first = "", second] = line.split(" ");
        if (second === undefined) port.resolve(Number(first));
        else onBegin(first, Number(second));
      }
    }
  })();
  const at = await within(port.promise, START_TIMEOUT_MS, "the cameras");
  const names = files.map((_, number) => `camera${number}`);
  return Object.assign(new Part(child, { host: "127.0.0.1", port: at }), { names });
}

/** Starts a role as a process of its own and waits until it listens. */
export async function startRole(
  role: string,
  args: readonly string[],
  { token, folder }: { readonly token: string; readonly folder: string },
): Promise<Part> {
  const ready = join(folder, `${role}-${crypto.randomUUID()}.json`);
  const child = Bun.spawn(
    [process.execPath, MAIN, "--role", role, ...args, "--listen", "127.0.0.1:0", "--ready", ready],
    {
      env: { ...process.env, VIGIA_TOKEN: token },
      ...{ stdin: "ignore", stdout: "ignore", stderr: Bun.file(join(folder, `${role}.log`)) },
    },
  );
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await Bun.file(ready).exists())) {
    if (child.exitCode !== null || performance.now() > deadlineMs)
      throw new Error(`${role} did not start: ${await Bun.file(join(folder, `${role}.log`)).text()}`);
    await Bun.sleep(50);
  }
  return new Part(child, ((await Bun.file(ready).json()) as { address: Address }).address);
}

/** Runs one of Vigía's commands to its end. */
export async function runCommand(args: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`vigia ${args.join(" ")}: ${said.slice(-2000)}`);
}

/** A link to a tester, as a watcher has it. */
export async function watch(tester: Part, token: string): Promise<Connection> {
  return connect({
    site: await openSite({ token, log: silentLog }),
    ...{ role: "watcher", address: tester.address, expect: ["tester"], signal: new AbortController().signal },
  });
}

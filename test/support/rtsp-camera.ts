import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { within } from "../../shared/base/wait.ts";

const tools = process.env.VIGIA_TOOLS ?? resolve(import.meta.dir, "../../../shared/tools");
const script = join(tools, "rtsp-camera.py");
/** The distribution's own Python: the one that has GStreamer's bindings. */
const PYTHON = "/usr/bin/python3";

/**
 * Whether cameras made of GStreamer's RTSP server can be had: the script in the folder that `VIGIA_TOOLS` names
 * (`../shared/tools` beside the checkout otherwise), and the packages it lists.
 */
export const hasGstreamerCamera =
  existsSync(script) &&
  existsSync(PYTHON) &&
  Bun.spawnSync([
    PYTHON,
    "-c",
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer",
  ]).exitCode === 0;

/** Cameras at `url("h264")`, `url("h265")`, `url("mjpeg")`, and with a clip `url("clip")`. */
export async function startGstreamerCamera(
  options: {
    readonly clip?: string | undefined;
    readonly user?: string;
    readonly password?: string;
    readonly port?: number;
  } = {},
): Promise<AsyncDisposable & { url(path: string): string; port: number }> {
  const port = options.port ?? (await freePort());
  const { clip, user, password } = options;
  const login = user === undefined ? {} : { RTSP_USER: user, RTSP_PASSWORD: password ?? "" };
  const child = Bun.spawn([PYTHON, script, String(port), ...(clip === undefined ? [] : [clip])], {
    env: { ...process.env, ...login },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const reader = child.stdout.getReader();
  await within(reader.read(), 15_000, "the GStreamer camera");
  reader.releaseLock();
  return {
    port,
    url: (path) => `rtsp://${user === undefined ? "" : `${user}:${password}@`}127.0.0.1:${port}/${path}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

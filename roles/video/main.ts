import { availableParallelism } from "node:os";
import { systemClock } from "../../shared/base/clock.ts";
import type { RoleContext } from "../../shared/base/context.ts";
import { AppError, errorKind } from "../../shared/base/errors.ts";
import { CAMERA_COUNT_MAX, NAME_LENGTH_MAX } from "../../shared/base/limits.ts";
import type { Log } from "../../shared/base/log.ts";
import { Random } from "../../shared/base/random.ts";
import { formatAddress } from "../../shared/net/address.ts";
import type { Address } from "../../shared/net/connection.ts";
import { announce } from "../../shared/net/discovery.ts";
import { listen } from "../../shared/net/listener.ts";
import type { Site } from "../../shared/net/site.ts";
import type { Publication } from "../../shared/rtsp/publication.ts";
import { RtspServer } from "../../shared/rtsp/server.ts";
import { Camera } from "./camera.ts";
import { FrameThreads } from "./frame-threads.ts";
import { openSource } from "./open-source.ts";
import { republish } from "./republish.ts";
import { Seats } from "./seats.ts";
import { type CameraSpec, parseSource, withoutPassword } from "./source-text.ts";
import { serveTester } from "./tester-link.ts";

/** The user that players on other machines name. */
const VIEWER = "viewer";

export interface VideoOptions {
  readonly site: Site;
  readonly cameras: readonly CameraSpec[];
  /** Where testers connect. */
  readonly listen: Address;
  /** Where RTSP players connect; nobody when absent. */
  readonly rtsp?: Address;
  /** Tell the network where this node is. */
  readonly announce?: boolean;
  /** A file, a folder or a scene has ended before its end: what was wrong with it. */
  readonly onBroken?: (camera: string, why: string) => void;
  readonly onReady?: (ready: { readonly address: Address; readonly rtsp: Address | undefined }) => void;
}

/**
 * Reads cameras, hands their newest frames to testers and re-publishes each over RTSP, until `signal` aborts.
 *
 * @throws {AppError} when a camera's source is wrong or an address is taken, before anything is announced
 */
export async function run(options: VideoOptions, { signal, log }: RoleContext): Promise<void> {
  checkNames(options.cameras);
  await using stack = new AsyncDisposableStack();
  const threads = stack.use(new FrameThreads(availableParallelism()));
  const cameras: Camera[] = [];
  const shared = new Set<string>();
  for (const spec of options.cameras) {
    const parsed = parseSource(spec);
    if (parsed.toAllTesters) shared.add(spec.name);
    const source = await openSource(spec, parsed, { threads, clock: systemClock, log });
    const random = new Random(spec.name, Date.now());
    cameras.push(new Camera(spec.name, source, { log, clock: systemClock, random }));
    log.info("camera", { name: spec.name, source: withoutPassword(spec.source) });
  }

  const changes = new Set<() => void>();
  const tellChanges = () => {
    for (const notify of changes) notify();
  };
  for (const camera of cameras) camera.onChange = tellChanges;
  const board = {
    all: cameras,
    seats: new Seats(
      cameras.map(({ name }) => name),
      shared,
    ),
    onChange(notify: () => void): Disposable {
      changes.add(notify);
      return { [Symbol.dispose]: () => changes.delete(notify) };
    },
  };

  const listener = stack.use(
    await listen({
      site: options.site,
      role: "video",
      host: options.listen.host,
      port: options.listen.port,
      accept: ["tester"],
      signal,
      log,
      onConnection: async (link) => {
        try {
          await serveTester(link, board, log);
          await link.close();
        } catch (error) {
          log[errorKind(error) === "unavailable" ? "info" : "warn"]("tester link ended", { why: error });
          await link.close(error instanceof Error ? error.message : String(error));
        }
      },
    }),
  );
  const rtsp =
    options.rtsp === undefined ? undefined : openPlayers(options.rtsp, cameras, options.site, stack, log);
  if (options.announce === true) {
    stack.use(announce({ site: options.site, role: "video", address: listener.address, signal, log }));
  }
  log.info("listening for testers", { at: formatAddress(listener.address), cameras: cameras.length });
  options.onReady?.({ address: listener.address, rtsp });
  await Promise.all(
    cameras.map(async (camera) => {
      await camera.run(signal);
      const { state, problem } = camera.status;
      if (state === "ended" && problem !== undefined) options.onBroken?.(camera.name, problem.text);
    }),
  );
  // Files may have ended; testers may still ask about them.
  await aborted(signal);
}

/** Opens the port for RTSP players. Those on other machines need a password that follows from the site key. */
function openPlayers(
  { host, port }: Address,
  cameras: readonly Camera[],
  site: Site,
  stack: AsyncDisposableStack,
  log: Log,
): Address {
  const streams = new Map<string, Publication>();
  for (const camera of cameras) streams.set(camera.name, stack.use(republish(camera, log)).publication);
  const viewer = { user: VIEWER, password: site.mac("rtsp viewer", []).toString("base64url").slice(0, 16) };
  const server = stack.use(new RtspServer({ host, port, streams, viewer, log }));
  const at = { host, port: server.port };
  const loopback = /^(127\.|::1$|localhost$)/.test(host);
  log.info("listening for RTSP players", { at: `rtsp://${formatAddress(at)}/${cameras[0]?.name ?? ""}` });
  // A secret goes to the terminal and not into log files.
  if (!loopback) {
    process.stderr.write(
      `Players of other machines sign in as ${viewer.user}, password ${viewer.password}\n`,
    );
  }
  return at;
}

function checkNames(cameras: readonly CameraSpec[]): void {
  const seen = new Set<string>();
  for (const { name } of cameras) {
    const good =
      name.length > 0 && Buffer.byteLength(name) <= NAME_LENGTH_MAX && !/[\s/\\?#%]|\p{Cc}/u.test(name);
    if (!good) {
      throw new AppError("usage", `${JSON.stringify(name)} is no name for a camera`, {
        hint: "letters, digits and - make a good name",
      });
    }
    if (seen.has(name)) throw new AppError("usage", `two cameras are called ${name}`);
    seen.add(name);
  }
  if (cameras.length > CAMERA_COUNT_MAX) {
    throw new AppError("usage", `${cameras.length} cameras, one node takes up to ${CAMERA_COUNT_MAX}`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

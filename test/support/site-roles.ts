import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run as runTester } from "../../roles/tester/main.ts";
import { DEFAULT_RULES, type TesterOptions } from "../../roles/tester/options.ts";
import { run as runVideo } from "../../roles/video/main.ts";
import { type Log, silentLog } from "../../shared/base/log.ts";
import { deferred } from "../../shared/base/wait.ts";
import type { Address } from "../../shared/net/connection.ts";
import { type Site, siteOf } from "../../shared/net/site.ts";
import { newKey } from "../../shared/net/token.ts";
import { untrainedModel } from "./untrained-model.ts";

const LOOPBACK: Address = { host: "127.0.0.1", port: 0 };

/** A site of its own for a test, with a random key. */
export function testSite(): Site {
  return siteOf(newKey(), "test");
}

/** Starts the video role in this process and waits until it listens. */
export async function startVideo(
  site: Site,
  cameras: readonly { readonly name: string; readonly source: string }[],
  signal: AbortSignal,
): Promise<{ address: Address; ended: Promise<void> }> {
  const ready = deferred<Address>();
  const ended = runVideo(
    { site, cameras, listen: LOOPBACK, announce: false, onReady: ({ address }) => ready.resolve(address) },
    { signal, log: silentLog },
  );
  ended.catch(ready.reject);
  return { address: await ready.promise, ended };
}

/**
 * Starts a tester in this process with a model that sees something in every picture, and waits until it listens.
 *
 * @param folder its data directory
 */
export async function startTester(
  site: Site,
  folder: string,
  videos: readonly Address[],
  signal: AbortSignal,
  more: Partial<TesterOptions> = {},
  log: Log = silentLog,
): Promise<{ address: Address; ended: Promise<void> }> {
  const model = join(folder, "untrained.onnx");
  writeFileSync(model, untrainedModel(["cat", "dog"], { threshold: 1.75e-4 }));
  const ready = deferred<Address>();
  const ended = runTester(
    {
      site,
      listen: LOOPBACK,
      dataDir: join(folder, "data"),
      model: { file: model },
      trainer: undefined,
      videos,
      device: "auto",
      threads: 1,
      framesPerSecondMax: 10,
      rules: { ...DEFAULT_RULES, nearHeightShare: 0 },
      announce: false,
      onReady: ready.resolve,
      ...more,
    },
    { signal, log },
  );
  ended.catch(ready.reject);
  return { address: await ready.promise, ended };
}

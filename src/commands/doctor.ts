import { availableParallelism, totalmem } from "node:os";
import { AppError, errorKind, errorLine } from "../../shared/base/errors.ts";
import { bytesText } from "../../shared/base/text.ts";
import { VERSION } from "../../shared/base/version.ts";
import { findFfmpeg } from "../../shared/media/ffmpeg.ts";
import { formatAddress } from "../../shared/net/address.ts";
import { connect } from "../../shared/net/connect.ts";
import type { Address } from "../../shared/net/connection.ts";
import { discover } from "../../shared/net/discovery.ts";
import type { Site } from "../../shared/net/site.ts";
import { detectorSpeeds, enginesFound } from "../../shared/nn/open-engine.ts";
import { wholeFlag } from "../flags.ts";
import { addressFlag, PORTS, siteFor } from "../roles/common.ts";
import { COMMON_FLAGS, type Command, isSet, textOf } from "../shell.ts";

const DISCOVER_WITHIN_MS = 4000;
/** The size that detectors have by default. */
const SIZE_PX = 320;

/** One thing looked at: whether it is as it should be, and what to do where it is not. */
interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** A machine can do its work without it. */
  readonly optional?: boolean;
  readonly says: string;
  readonly hint?: string | undefined;
}

export const command: Command = {
  definition: {
    meta: {
      name: "doctor",
      description: "Check what this machine has, and what keeps it from joining a trainer.",
    },
    args: {
      trainer: {
        type: "string",
        valueHint: "HOST:PORT",
        description: "The trainer to reach (found on the network).",
      },
      size: {
        type: "string",
        valueHint: "PX",
        description: `Side of the pictures that detectors are measured at (${SIZE_PX}).`,
      },
      json: { type: "boolean", description: "One JSON object a finding." },
      ...COMMON_FLAGS,
    },
  },
  async run(flags, context) {
    const report = (finding: Finding): void => {
      if (isSet(flags, "json")) {
        context.print(JSON.stringify(finding));
        return;
      }
      const mark = finding.ok ? "ok  " : finding.optional === true ? "-   " : "FAIL";
      context.print(`${mark} ${finding.what.padEnd(14)} ${finding.says}`);
      if (finding.hint !== undefined) context.print(`${" ".repeat(20)}${finding.hint}`);
    };
    let failed = false;
    const sizePx = wholeFlag("size", textOf(flags, "size"), 64, 1280) ?? SIZE_PX;
    if (sizePx % 32 !== 0) throw new AppError("usage", `--size ${sizePx}: a multiple of 32 is needed`);
    for await (const finding of findings(
      { trainer: addressFlag(flags, "trainer", PORTS.trainer), sizePx },
      () => siteFor(flags, context),
      context.signal,
    )) {
      report(finding);
      failed ||= !finding.ok && finding.optional !== true;
    }
    if (failed) throw new AppError("unavailable", "this machine is not ready: see the lines marked FAIL");
  },
};

async function* findings(
  { trainer, sizePx }: { readonly trainer: Address | undefined; readonly sizePx: number },
  openSite: () => Promise<Site>,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const memory = bytesText(totalmem());
  yield {
    what: "machine",
    ok: true,
    says: `vigia ${VERSION}, ${process.platform} ${process.arch}, ${availableParallelism()} cores, ${memory}`,
  };
  yield* engineFindings();
  yield* speedFindings(sizePx);
  yield await ffmpegFinding();
  let site: Site;
  try {
    site = await openSite();
    yield { what: "site key", ok: true, says: "there is one (vigia token shows it)" };
  } catch (error) {
    yield { what: "site key", ok: false, says: errorLine(error), hint: hintOf(error) };
    return;
  }
  const found = await foundTrainer(site, signal);
  yield multicastFinding(found, trainer !== undefined);
  const address = trainer ?? (found instanceof AppError ? undefined : found);
  if (address !== undefined) yield await trainerFinding(address, site, signal);
}

/** Where a trainer of this site answers on the network, or why none was found. */
async function foundTrainer(site: Site, signal: AbortSignal): Promise<Address | AppError> {
  try {
    return await discover({ site, role: "trainer", signal, timeoutMs: DISCOVER_WITHIN_MS });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** Whether workers here find the trainer by themselves; with an address they need not. */
function multicastFinding(found: Address | AppError, isGiven: boolean): Finding {
  const what = "multicast";
  if (!(found instanceof AppError))
    return { what, ok: true, says: `finds the trainer at ${formatAddress(found)}` };
  const says =
    errorKind(found) === "unavailable"
      ? "no trainer with this key answers on this network"
      : errorLine(found);
  const hint = isGiven
    ? undefined
    : "start one with vigia --role trainer. Where it runs: this machine needs the --token that it prints; " +
      "if it has that, Wi-Fi isolation or a firewall keeps multicast (UDP 7701) away: name it with --trainer HOST:PORT";
  return { what, ok: false, optional: true, says, hint };
}

async function* engineFindings(): AsyncGenerator<Finding> {
  for (const { name, device, speed, problem } of await enginesFound(availableParallelism())) {
    const what = `${name} ${device}`;
    if (speed === undefined) yield { what, ok: false, optional: true, says: problem ?? "does not work here" };
    else {
      const says = `trains ${speed.trainedPerSecond.toFixed(0)} and looks at ${speed.inferredPerSecond.toFixed(0)} pictures of 160 px a second`;
      yield { what, ok: true, says };
    }
  }
}

/** What `--variant` costs here: each width of the detector at one size. */
async function* speedFindings(sizePx: number): AsyncGenerator<Finding> {
  for await (const { variant, speed } of detectorSpeeds(sizePx, availableParallelism())) {
    const { trainedPerSecond, inferredPerSecond } = speed;
    const says = `${sizePx} px: trains about ${trainedPerSecond.toFixed(0)} and looks at ${inferredPerSecond.toFixed(0)} pictures a second`;
    yield { what: `variant ${variant}`, ok: true, says };
  }
}

async function ffmpegFinding(): Promise<Finding> {
  try {
    const { path, version } = await findFfmpeg();
    return { what: "ffmpeg", ok: true, says: `${version} (${path})` };
  } catch (error) {
    const says = `${errorLine(error)}; needed for video files and H.264 cameras only`;
    return { what: "ffmpeg", ok: false, optional: true, says, hint: hintOf(error) };
  }
}

/** Tries the trainer as a worker would, and says what stands between. */
async function trainerFinding(address: Address, site: Site, signal: AbortSignal): Promise<Finding> {
  const what = "trainer";
  try {
    await using link = await connect({ site, role: "client", address, expect: ["trainer"], signal });
    return { what, ok: true, says: `${link.peer.name} answers at ${formatAddress(address)}` };
  } catch (error) {
    return { what, ok: false, says: errorLine(error), hint: hintOf(error) };
  }
}

function hintOf(error: unknown): string | undefined {
  return error instanceof AppError ? error.hint : undefined;
}

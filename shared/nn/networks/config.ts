import { AppError } from "../../base/errors.ts";
import { CLASS_COUNT_MAX } from "../../base/limits.ts";
import type { Network } from "../graph.ts";
import { DETECTOR_WIDTHS, type DetectorVariant, detectorNetwork } from "./detector.ts";
import { mlpNetwork } from "./mlp.ts";
import { singleBoxNetwork } from "./single-box.ts";

/** All that is needed to build a network again: it travels with jobs and in model files. */
export type NetworkConfig =
  | {
      readonly kind: "detector";
      readonly size: number;
      readonly classCount: number;
      readonly variant: DetectorVariant;
    }
  | { readonly kind: "single-box"; readonly size: number; readonly classCount: number }
  | { readonly kind: "mlp"; readonly classCount: number; readonly hidden: number };

export type NetworkKind = NetworkConfig["kind"];
export const NETWORK_KINDS: readonly NetworkKind[] = ["detector", "single-box", "mlp"];

/**
 * Builds the network that a config names. The same config gives the same graph on every machine.
 *
 * @param height of a detector's input where it is less than its size, a multiple of 32
 */
export function buildNetwork(config: NetworkConfig, height?: number): Network {
  switch (config.kind) {
    case "detector":
      return detectorNetwork(config.size, config.classCount, config.variant, height);
    case "single-box":
      return singleBoxNetwork(config.size, config.classCount);
    case "mlp":
      return mlpNetwork(config.classCount, config.hidden);
  }
}

/** Checks a config that came from a file or a peer. Throws `input`. */
export function checkNetworkConfig(value: unknown): NetworkConfig {
  const config = value as Partial<Record<string, unknown>> | null;
  if (typeof config !== "object" || config === null)
    throw new AppError("input", "network config is no object");
  const whole = (name: string, least: number, most: number): number => {
    const number = config[name];
    if (!Number.isInteger(number) || (number as number) < least || (number as number) > most) {
      throw new AppError("input", `network ${name} is ${String(number)}, expected ${least} to ${most}`);
    }
    return number as number;
  };
  const classCount = whole("classCount", 1, CLASS_COUNT_MAX);
  switch (config.kind) {
    case "detector": {
      const size = whole("size", 64, 1280);
      const variant = String(config.variant);
      if (size % 32 !== 0) throw new AppError("input", `input size ${size} is not a multiple of 32`);
      if (!Object.hasOwn(DETECTOR_WIDTHS, variant)) throw new AppError("input", `no variant ${variant}`);
      return { kind: "detector", size, classCount, variant: variant as DetectorVariant };
    }
    case "single-box": {
      const size = whole("size", 64, 640);
      if (size % 16 !== 0) throw new AppError("input", `input size ${size} is not a multiple of 16`);
      return { kind: "single-box", size, classCount };
    }
    case "mlp":
      return { kind: "mlp", classCount, hidden: whole("hidden", 1, 4096) };
    default:
      throw new AppError("input", `no network of kind ${String(config.kind)}`);
  }
}

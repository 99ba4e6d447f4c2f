import { OWN_STEPS_MAX } from "../base/limits.ts";
import { WIRE_FORMATS, type WireFormat } from "../numeric/wire-format.ts";

/** What `--wire` asks for. */
export const WIRE_CHOICES = ["auto", ...WIRE_FORMATS] as const;
export type WireChoice = (typeof WIRE_CHOICES)[number];

/** What `--local-steps` asks for: how many steps each worker makes by itself before weights are averaged. */
export type StepsChoice = "auto" | number;

/** True for what `--local-steps` may be. */
export function isStepsChoice(value: unknown): value is StepsChoice {
  return (
    value === "auto" || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= OWN_STEPS_MAX)
  );
}

const BYTES: Readonly<Record<WireFormat, number>> = { float32: 4, float16: 2, int8: 1 };
/** How many times faster a round must become to say numbers less exactly: int8 learns a little worse. */
const GAIN = { float16: 1.1, int8: 1.25 } as const;
/** A format is given up again when it gains only this share of that: choices must not swing. */
const KEEP_SHARE = 0.5;

/**
 * Workers step by themselves where the ring takes this share of what a step's computing takes, in the chosen format,
 * and not below so many milliseconds: there the machine is what is slow, not the network.
 */
const LIMIT_SHARE = 0.5;
const LIMIT_MS = 100;
/** They make the fewest steps, in powers of two, that leave the ring this share of the computing; no more than these. */
const RING_SHARE = 1 / 8;
const AUTO_STEPS_MAX = 8;
/** Steps stay as they are while the ring's share is within these times of what is wanted. */
const STEPS_KEPT = { most: 1.5, least: 0.4 } as const;

/** Rounds between two choices; fewer where they take so long in all. The first ones after a choice are not looked at. */
const ROUNDS = 10;
const ROUNDS_LEAST = 3;
const LONG_MS = 5000;
const ROUNDS_SETTLING = 2;

/** Chooses the format of the ring's numbers, and the steps between two rings, from what rounds take. */
export class WireChooser {
  readonly #wanted: WireChoice;
  readonly #wantedSteps: StepsChoice;
  #format: WireFormat;
  #steps: number;
  #settling = ROUNDS_SETTLING;
  #rounds = 0;
  #ringMs = 0;
  #stepMs = 0;
  #roundsMs = 0;

  /** @param steps as the format by default: what is asked for exactly is done exactly */
  constructor(wanted: WireChoice = "auto", steps: StepsChoice = wanted === "auto" ? "auto" : 1) {
    this.#wanted = wanted;
    this.#wantedSteps = steps;
    this.#format = wanted === "auto" ? "float32" : wanted;
    this.#steps = steps === "auto" ? 1 : steps;
  }

  /** Of the next round. */
  get format(): WireFormat {
    return this.#format;
  }

  /** That each worker makes by itself in the next round; 1: all make it together. */
  get steps(): number {
    return this.#steps;
  }

  /** The ring is another one: what was measured says nothing of it. */
  restart(): void {
    this.#settling = ROUNDS_SETTLING;
    [this.#rounds, this.#ringMs, this.#stepMs, this.#roundsMs] = [0, 0, 0, 0];
  }

  /**
   * A round has ended.
   *
   * @param ringMs what its ring took when everybody had computed
   * @param roundMs what all of it took
   * @param steps that it had
   * @returns true when the next round is another
   */
  measured(ringMs: number, roundMs: number, steps = 1): boolean {
    if (this.#wanted !== "auto" && this.#wantedSteps !== "auto") return false;
    if (this.#settling > 0) {
      this.#settling--;
      return false;
    }
    this.#rounds++;
    this.#ringMs += Math.min(ringMs, roundMs);
    this.#stepMs += Math.max(0, roundMs - ringMs) / steps;
    this.#roundsMs += roundMs;
    if (this.#rounds < (this.#roundsMs < LONG_MS ? ROUNDS : ROUNDS_LEAST)) return false;
    const [format, made] = [this.#format, this.#steps];
    // The ring's time in this format, and the time of a step's computing.
    const [usedMs, computeMs] = [this.#ringMs / this.#rounds, this.#stepMs / this.#rounds];
    const exactMs = (usedMs * BYTES.float32) / BYTES[format];
    if (this.#wanted === "auto") this.#format = this.#bestFormat(exactMs, computeMs);
    const ringMsNow = (exactMs * BYTES[this.#format]) / BYTES.float32;
    if (this.#wantedSteps === "auto") this.#steps = this.#bestSteps(ringMsNow, computeMs);
    this.restart();
    return this.#format !== format || this.#steps !== made;
  }

  /** As if all made every step together: bytes are saved first. */
  #bestFormat(exactMs: number, computeMs: number): WireFormat {
    const expectedMs = (format: WireFormat): number => computeMs + (exactMs * BYTES[format]) / BYTES.float32;
    const gains = (format: "float16" | "int8", than: WireFormat): boolean => {
      const isUsed = BYTES[this.#format] <= BYTES[format];
      const wanted = 1 + (GAIN[format] - 1) * (isUsed ? KEEP_SHARE : 1);
      return expectedMs(than) > wanted * expectedMs(format);
    };
    if (!gains("float16", "float32")) return "float32";
    return gains("int8", "float16") ? "int8" : "float16";
  }

  #bestSteps(ringMs: number, computeMs: number): number {
    const share = ringMs / Math.max(1, computeMs);
    const keep = this.#steps > 1 ? KEEP_SHARE : 1;
    if (share < keep * LIMIT_SHARE || ringMs < keep * LIMIT_MS) return 1;
    const { most, least } = STEPS_KEPT;
    const now = share / this.#steps / RING_SHARE;
    if (this.#steps > 1 && now > least && now < most) return this.#steps;
    let steps = 2;
    while (steps < AUTO_STEPS_MAX && share / steps > RING_SHARE) steps *= 2;
    return steps;
  }
}

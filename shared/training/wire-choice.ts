import { WIRE_FORMATS, type WireFormat } from "../numeric/wire-format.ts";

/** What `--wire` asks for. */
export const WIRE_CHOICES = ["auto", ...WIRE_FORMATS] as const;
export type WireChoice = (typeof WIRE_CHOICES)[number];

const BYTES: Readonly<Record<WireFormat, number>> = { float32: 4, float16: 2, int8: 1 };
/** How many times faster a round must become to say numbers less exactly: int8 learns a little worse. */
const GAIN = { float16: 1.1, int8: 1.25 } as const;
/** A format is given up again when it gains only this share of that: choices must not swing. */
const KEEP_SHARE = 0.5;
/** Rounds between two choices; the first ones after a choice are not looked at. */
const ROUNDS = 10;
const ROUNDS_SETTLING = 2;

/** Chooses the format of the ring's numbers from what rounds take. */
export class FormatChooser {
  readonly #wanted: WireChoice;
  #format: WireFormat;
  #rounds = 0;
  #ringMs = 0;
  #roundMs = 0;

  constructor(wanted: WireChoice) {
    this.#wanted = wanted;
    this.#format = wanted === "auto" ? "float32" : wanted;
  }

  /** Of the next round. */
  get format(): WireFormat {
    return this.#format;
  }

  /** The ring is another one: what was measured says nothing of it. */
  restart(): void {
    [this.#rounds, this.#ringMs, this.#roundMs] = [0, 0, 0];
  }

  /**
   * A round has ended.
   *
   * @param ringMs what its ring took when everybody had computed
   * @param roundMs what all of it took
   * @returns true when the next round has another format
   */
  measured(ringMs: number, roundMs: number): boolean {
    if (this.#wanted !== "auto") return false;
    if (++this.#rounds > ROUNDS_SETTLING) {
      this.#ringMs += Math.min(ringMs, roundMs);
      this.#roundMs += roundMs;
    }
    if (this.#rounds < ROUNDS_SETTLING + ROUNDS) return false;
    const before = this.#format;
    this.#format = this.#best();
    this.restart();
    return this.#format !== before;
  }

  #best(): WireFormat {
    const exactRingMs = (this.#ringMs * BYTES.float32) / BYTES[this.#format];
    const expectedMs = (format: WireFormat): number =>
      this.#roundMs - this.#ringMs + (exactRingMs * BYTES[format]) / BYTES.float32;
    const gains = (format: "float16" | "int8", than: WireFormat): boolean => {
      const isUsed = BYTES[this.#format] <= BYTES[format];
      const wanted = 1 + (GAIN[format] - 1) * (isUsed ? KEEP_SHARE : 1);
      return expectedMs(than) > wanted * expectedMs(format);
    };
    if (!gains("float16", "float32")) return "float32";
    return gains("int8", "float16") ? "int8" : "float16";
  }
}

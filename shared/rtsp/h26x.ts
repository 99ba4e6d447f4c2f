import {
  type CodedPicture,
  type Depacketizer,
  PICTURE_PACKET_COUNT_MAX,
  PICTURE_SIZE_BYTES_MAX,
} from "./access-unit.ts";
import { joinAnnexB, splitAnnexB } from "./nal.ts";
import type { RtpPacket } from "./rtp.ts";

/** What H.264 and H.265 do differently. */
export interface NalRules {
  /** The least length of a unit: its header. */
  readonly headerBytes: number;
  typeOf(unit: Uint8Array): number;
  /** A coded slice: what makes a picture of parameter sets and notes. */
  isSlice(type: number): boolean;
  /** Whether a slice is the first of its picture. */
  beginsPicture(slice: Uint8Array): boolean;
  /** Whether a picture with this unit can be decoded by itself. */
  isKey(unit: Uint8Array): boolean;
  /** Whether a picture of this unit ends all ties: none after it builds on one before it. */
  isClean(type: number): boolean;
  /** A slice of a picture that comes after a key picture and builds on one before it. */
  reachesBack(type: number): boolean;
  /** The parameter sets, in the order a decoder wants them. */
  readonly parameterTypes: readonly number[];
  /** Takes a payload apart. */
  unpack(payload: Buffer): Payload;
}

/** A payload: whole units, or a piece of one. */
export type Payload =
  | { readonly kind: "units"; readonly units: readonly Buffer[] }
  | {
      readonly kind: "piece";
      readonly first: boolean;
      readonly last: boolean;
      /** The unit's header, rebuilt from the fragment's. */
      readonly header: Buffer;
      readonly body: Buffer;
    }
  | { readonly kind: "unknown" };

/** After a loss, pictures are held until one that stands alone; streams that never send one are let through again. */
const GATE_MS_MAX = 12_000;
const CLOCK_RATE = 90_000;

/**
 * Collects packets into pictures. A picture ends with the marker bit on a slice, or when the timestamp changes:
 * some cameras set the marker on parameter sets too, some never.
 */
export class NalDepacketizer implements Depacketizer {
  readonly #rules: NalRules;
  /** Parameter sets by type: those in the SDP, then each newer one in the stream. */
  readonly #parameters = new Map<number, Buffer[]>();
  #units: Buffer[] = [];
  #packets: RtpPacket[] = [];
  #sizeBytes = 0;
  #hasSlice = false;
  #hasParameters = false;
  #isDamaged = false;
  /** Packets are missing right before this picture: its beginning may be among them. */
  #isStartUnsure = false;
  /** Pieces of the unit under way. */
  #pieces: Buffer[] | undefined;
  #timestamp: number | undefined;
  /** Set while what follows a loss cannot be decoded: the timestamp of the loss. */
  #gateSince: number | "start" | undefined = "start";
  /** What came before the last key picture is not all there. */
  #hasGap = false;
  damaged = 0;

  constructor(rules: NalRules, parameters: readonly Buffer[]) {
    this.#rules = rules;
    this.#keepParameters(parameters);
  }

  *push(packet: RtpPacket, lostBefore: number): Generator<CodedPicture> {
    if (lostBefore > 0) this.#lose(packet.timestamp);
    // The marker that would have ended the last picture did not come; when it got lost, the picture may be cut.
    if (packet.timestamp !== this.#timestamp) {
      const picture = this.#finish();
      if (picture !== undefined) yield picture;
    }
    if (lostBefore > 0) this.#isStartUnsure = true;
    this.#timestamp = packet.timestamp;
    this.#packets.push(packet);
    this.#sizeBytes += packet.payload.length;
    if (this.#sizeBytes > PICTURE_SIZE_BYTES_MAX || this.#packets.length > PICTURE_PACKET_COUNT_MAX) {
      this.#clear();
      this.#lose(packet.timestamp);
      this.damaged++;
      return;
    }
    this.#take(packet.payload);
    if (!packet.marker || (!this.#hasSlice && this.#pieces === undefined)) return;
    const picture = this.#finish();
    if (picture !== undefined) yield picture;
  }

  #take(payload: Buffer): void {
    const unpacked = this.#rules.unpack(payload);
    if (unpacked.kind === "units") {
      this.#closePieces();
      for (const unit of unpacked.units) this.#addUnit(unit);
    }
    if (unpacked.kind !== "piece") return;
    if (unpacked.first) {
      this.#closePieces();
      this.#pieces = [unpacked.header, unpacked.body];
    } else if (this.#pieces !== undefined) {
      this.#pieces.push(unpacked.body);
    } else {
      // The beginning is missing.
      this.#isDamaged = true;
    }
    if (unpacked.last) this.#closePieces();
  }

  /** A unit whose last piece was not marked so is taken as it is: nothing was lost. */
  #closePieces(): void {
    if (this.#pieces === undefined) return;
    const unit = Buffer.concat(this.#pieces);
    this.#pieces = undefined;
    this.#addUnit(unit);
  }

  #addUnit(bytes: Buffer): void {
    for (const unit of splitAnnexB(bytes)) {
      if (unit.length < this.#rules.headerBytes) continue;
      const type = this.#rules.typeOf(unit);
      this.#hasSlice ||= this.#rules.isSlice(type);
      this.#hasParameters ||= this.#rules.parameterTypes.includes(type);
      this.#units.push(unit);
    }
  }

  /** Packets are missing: the picture under way is spoiled, and those that follow build on it. */
  #lose(timestamp: number): void {
    this.#isDamaged = true;
    this.#pieces = undefined;
    this.#gateSince ??= timestamp;
  }

  /** The picture under way, where it is whole and may be passed on. */
  #finish(): CodedPicture | undefined {
    this.#closePieces();
    if (this.#packets.length === 0) {
      this.#clear();
      return undefined;
    }
    // Parameter sets in packets of their own, with a time of their own, belong to the picture that follows.
    if (!this.#hasSlice && !this.#isDamaged) return undefined;
    const [units, packets, timestamp] = [this.#units, this.#packets, this.#timestamp ?? 0];
    const isDamaged = this.#isDamaged || (this.#isStartUnsure && !this.#beginsWhole(units));
    const hasParameters = this.#hasParameters;
    this.#clear();
    if (!isDamaged && hasParameters) this.#keepParameters(units);
    const isKey = !isDamaged && units.some((unit) => this.#rules.isKey(unit));
    if (isDamaged || (!isKey && !this.#mayPass(timestamp))) {
      if (isDamaged) this.#gateSince ??= timestamp;
      this.damaged++;
      return undefined;
    }
    if (isKey) this.#hasGap = this.#gateSince !== undefined;
    this.#gateSince = undefined;
    if (this.#hasGap && units.some((unit) => this.#rules.reachesBack(this.#rules.typeOf(unit)))) {
      this.damaged++;
      return undefined;
    }
    const data = joinAnnexB(isKey ? this.#withParameters(units) : units);
    const isClean = isKey && units.some((unit) => this.#rules.isClean(this.#rules.typeOf(unit)));
    return { timestamp, isKey, isClean, data, packets };
  }

  #beginsWhole(units: readonly Buffer[]): boolean {
    const slice = units.find((unit) => this.#rules.isSlice(this.#rules.typeOf(unit)));
    return slice !== undefined && this.#rules.beginsPicture(slice);
  }

  #mayPass(timestamp: number): boolean {
    if (this.#gateSince === undefined) return true;
    if (this.#gateSince === "start") this.#gateSince = timestamp;
    // Signed: a B-picture is shown before what came before it.
    const gatedMs = (1000 * ((timestamp - this.#gateSince) | 0)) / CLOCK_RATE;
    if (gatedMs < -GATE_MS_MAX) this.#gateSince = timestamp; // the camera's time began anew
    return gatedMs > GATE_MS_MAX;
  }

  /** A picture that stands alone carries its parameter sets, so that a decoder may start with it. */
  #withParameters(units: readonly Buffer[]): Buffer[] {
    const present = new Set(units.map((unit) => this.#rules.typeOf(unit)));
    const missing = this.#rules.parameterTypes.filter((type) => !present.has(type));
    return [...missing.flatMap((type) => this.#parameters.get(type) ?? []), ...units];
  }

  /** Newer sets take the place of all older ones of their type. */
  #keepParameters(units: readonly Buffer[]): void {
    for (const type of this.#rules.parameterTypes) {
      const sets = units.filter(
        (unit) => unit.length >= this.#rules.headerBytes && this.#rules.typeOf(unit) === type,
      );
      // Copies, so that the chunks they came in are not held.
      if (sets.length > 0)
        this.#parameters.set(
          type,
          sets.map((unit) => Buffer.from(unit)),
        );
    }
  }

  #clear(): void {
    this.#units = [];
    this.#packets = [];
    this.#sizeBytes = 0;
    this.#hasSlice = false;
    this.#hasParameters = false;
    this.#isDamaged = false;
    this.#isStartUnsure = false;
    this.#pieces = undefined;
    this.#timestamp = undefined;
  }
}

import { randomBytes, timingSafeEqual } from "node:crypto";
import { AppError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { messageTag } from "../wire/message.ts";
import {
  Hello,
  Introduction,
  type IntroductionMessage,
  Proof,
  Refusal,
  type RefusalReason,
} from "../wire/messages/greeting.ts";
import type { NodeRole } from "./connection.ts";
import type { Site } from "./site.ts";

/** What one end says of itself, and whom it wants at the other. */
export interface GreetingOptions {
  readonly side: "client" | "server";
  readonly site: Site;
  readonly role: NodeRole;
  readonly wanted: readonly NodeRole[];
  /** The port where this process takes links of its own; 0 for none. */
  readonly listenPort: number;
  /** SHA-256 of the server's certificate, as this end sees it. Called after the TLS handshake. */
  readonly fingerprint: () => Uint8Array;
  /** The other end for people: `10.0.0.2:7700`. */
  readonly peerText: string;
  readonly version?: string;
}

const PROGRAM = "vigia";
const NONCE_BYTES = 32;

/**
 * The first words on a link, as seen by one end: both say who they are, then both prove the site key. Knows nothing of
 * sockets: takes each message that arrives and returns what to send. The diagram is in shared/wire/README.md.
 *
 * Each proof is a MAC over all that both ends have said, the fingerprint of the server's certificate and the prover's
 * side. So it is good for this link alone: it cannot be replayed (nonces), sent back (side), or passed on by somebody
 * who ends TLS in the middle (fingerprint).
 */
export class Greeting {
  readonly #options: GreetingOptions;
  readonly #version: string;
  readonly #said: readonly Buffer[];
  readonly #heard: Buffer[] = [];
  #peer: IntroductionMessage | undefined;
  #refusal: Buffer | undefined;
  #done = false;

  constructor(options: GreetingOptions) {
    this.#options = options;
    this.#version = options.version ?? VERSION;
    const { site, role, listenPort } = options;
    const nonce = randomBytes(NONCE_BYTES);
    this.#said = [
      Hello.encode({ program: PROGRAM, version: this.#version }),
      Introduction.encode({ role, name: site.name, nodeId: site.nodeId, nonce, listenPort }),
    ];
  }

  /** Who is there, once the peer has said it; not to be believed before `isDone`. */
  get peer(): IntroductionMessage | undefined {
    return this.#peer;
  }

  /** The peer has proved the site key. */
  get isDone(): boolean {
    return this.#done;
  }

  /** A message for the peer when `receive` has refused it. */
  get refusal(): Buffer | undefined {
    return this.#refusal;
  }

  /** What this end says before it has heard anything. */
  start(): readonly Buffer[] {
    return this.#options.side === "client" ? this.#said : [];
  }

  /** Takes a message; returns what to answer. Throws `refused` or `protocol`, and the link must then end. */
  receive(body: Buffer): readonly Buffer[] {
    if (messageTag(body) === Refusal.tag) {
      const { reason, version } = Refusal.decode(body);
      throw this.#error(reason, `${this.#options.peerText} refused this ${this.#options.role}`, version);
    }
    if (this.#heard.length === 0) return this.#receiveHello(body);
    if (this.#heard.length === 1) return this.#receiveIntroduction(body);
    return this.#receiveProof(body);
  }

  #receiveHello(body: Buffer): readonly Buffer[] {
    const { program, version } = Hello.decode(body);
    if (program !== PROGRAM) throw new AppError("protocol", `${this.#options.peerText} is not Vigía`);
    if (release(version) !== release(this.#version)) throw this.#refuse("version", version);
    this.#heard.push(body);
    return [];
  }

  #receiveIntroduction(body: Buffer): readonly Buffer[] {
    const peer = Introduction.decode(body);
    if (peer.nonce.length !== NONCE_BYTES) throw new AppError("protocol", "nonce of the wrong size");
    if (!/^[0-9a-f]{16}$/.test(peer.nodeId)) throw new AppError("protocol", "malformed node id");
    this.#peer = { ...peer, name: printable(peer.name) };
    if (!this.#options.wanted.includes(peer.role)) throw this.#refuse("role");
    this.#heard.push(body);
    return this.#options.side === "client" ? [this.#proof("client")] : this.#said;
  }

  #receiveProof(body: Buffer): readonly Buffer[] {
    const { mac } = Proof.decode(body);
    const { side } = this.#options;
    const expected = this.#mac(side === "client" ? "server" : "client");
    if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) throw this.#refuse("key");
    this.#done = true;
    return side === "server" ? [this.#proof("server")] : [];
  }

  #proof(prover: "client" | "server"): Buffer {
    return Proof.encode({ mac: this.#mac(prover) });
  }

  #mac(prover: "client" | "server"): Buffer {
    const { side, site, fingerprint } = this.#options;
    const [client, server] = side === "client" ? [this.#said, this.#heard] : [this.#heard, this.#said];
    return site.mac(`link, ${prover}`, [...client, ...server, fingerprint()]);
  }

  #refuse(reason: RefusalReason, theirVersion = ""): AppError {
    this.#refusal = Refusal.encode({ reason, version: this.#version });
    const { peerText, wanted } = this.#options;
    const peer =
      this.#peer === undefined ? peerText : `${this.#peer.role} "${this.#peer.name}" at ${peerText}`;
    if (reason !== "role") return this.#error(reason, `refused ${peer}`, theirVersion);
    return new AppError("refused", `refused ${peer}: expected a ${wanted.join(" or ")}`, {
      hint: "check the address: something else runs there",
    });
  }

  #error(reason: RefusalReason, what: string, theirVersion: string): AppError {
    switch (reason) {
      case "version":
        return new AppError(
          "refused",
          `${what}: it runs Vigía ${printable(theirVersion)}, and this is Vigía ${this.#version}`,
          { hint: "put the same version on every machine" },
        );
      case "role":
        return new AppError("refused", `${what}: it takes no link from a ${this.#options.role}`, {
          hint: "check the address: something else runs there",
        });
      case "key":
        return new AppError("refused", `${what}: the site key differs`, {
          hint: "start with the --token the trainer prints (`vigia token` on its machine shows it)",
        });
    }
  }
}

/** The part of a version that must be the same at both ends: its first two numbers. */
function release(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

/** A peer's text without what could disturb a terminal or a log. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
}

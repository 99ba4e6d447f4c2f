import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A TLS certificate with its private key. */
export interface Certificate {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** SHA-256 of the certificate's DER bytes, 32 bytes: what the site key's proof binds a link to. */
  readonly fingerprint: Buffer;
}

/** The fingerprint of a certificate in DER. */
export function fingerprintOf(der: Uint8Array): Buffer {
  return createHash("sha256").update(der).digest();
}

/**
 * A new P-256 key with a certificate that it signs itself (X.509 v3, RFC 5280, the few fields that are mandatory).
 * Nobody trusts it for its name: peers prove the site key over its fingerprint. So it is made anew by each process,
 * never written to disk, and does not expire.
 */
export function selfSignedCertificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40; // positive and of constant length
  const name = sequence(der(0x31, sequence(OID_COMMON_NAME, der(0x0c, Buffer.from("vigia")))));
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.of(2))), // version 3
    integer(serial),
    ECDSA_WITH_SHA256,
    name,
    sequence(time("20200101000000Z"), time("99991231235959Z")), // "no expiry", RFC 5280 section 4.1.2.5
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, der(0x03, Buffer.of(0), signature));
  return {
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificatePem: pem("CERTIFICATE", certificate),
    fingerprint: fingerprintOf(certificate),
  };
}

const OID_COMMON_NAME = der(0x06, Buffer.from("550403", "hex"));
const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.from("2a8648ce3d040302", "hex")));

/** Tag, length, contents. A certificate of ours has less than 64 KiB in any part. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}

function sequence(...parts: Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function integer(value: Uint8Array): Buffer {
  return der(0x02, value);
}

/** GeneralizedTime. */
function time(text: string): Buffer {
  return der(0x18, Buffer.from(text));
}

function pem(label: string, body: Buffer): string {
  // Joined, not each ended: a full last line with a blank one after it is no PEM.
  const lines = (body.toString("base64").match(/.{1,64}/g) ?? []).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

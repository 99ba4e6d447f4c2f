import { expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { selfSignedCertificate } from "../../../shared/net/certificate.ts";

test("a certificate is what others take for one: signed by its own key, without expiry", () => {
  for (let i = 0; i < 200; i++) {
    // Many, since DER's lengths and leading zeros vary with the random numbers inside.
    const { keyPem, certificatePem, fingerprint } = selfSignedCertificate();
    const certificate = new X509Certificate(certificatePem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(certificate.fingerprint256.replaceAll(":", "").toLowerCase()).toBe(fingerprint.toString("hex"));
    expect(new Date(certificate.validTo).getUTCFullYear()).toBe(9999);
  }
});

test("every certificate is another", () => {
  expect(selfSignedCertificate().fingerprint.equals(selfSignedCertificate().fingerprint)).toBe(false);
});

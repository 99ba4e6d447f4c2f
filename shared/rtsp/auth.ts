import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** One `WWW-Authenticate` challenge (RFC 2617, RFC 7616). Parameter names in small letters. */
export interface Challenge {
  readonly scheme: "basic" | "digest";
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

const ALGORITHMS: Readonly<Record<string, "md5" | "sha256">> = {
  MD5: "md5",
  "SHA-256": "sha256",
  SHA256: "sha256",
};

/**
 * Challenges of all `WWW-Authenticate` fields, best first: Digest as the server orders it, then Basic (some cameras
 * offer a Basic that does not work). Unknown schemes and hash functions are left out.
 */
export function parseChallenges(fields: readonly string[]): Challenge[] {
  const challenges = fields.flatMap(splitChallenges);
  return [
    ...challenges.filter(
      (one) => one.scheme === "digest" && algorithmOf(one) !== undefined && one.parameters.has("nonce"),
    ),
    ...challenges.filter((one) => one.scheme === "basic"),
  ];
}

/** Several challenges may stand in one field, parted by commas, as parameters are; a quoted realm may hold anything. */
function splitChallenges(field: string): Challenge[] {
  const heads = [
    ...field.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"?|(?:^|[\s,])([A-Za-z][\w-]*)(?=\s+[^\s=]|\s*$)/g),
  ].filter(([, scheme]) => scheme !== undefined);
  return heads.flatMap((head, place) => {
    const scheme = head[1]!.toLowerCase();
    if (scheme !== "basic" && scheme !== "digest") return [];
    const text = field.slice(head.index + head[0].length, heads[place + 1]?.index);
    return [{ scheme, parameters: parseParameters(text) }] as const;
  });
}

/**
 * `name="value", name=value`: quotes, commas and spaces as cameras write them. A name begins where no letter stands
 * before it, and is short: a stranger's text of letters alone must not be tried from each of them.
 */
export function parseParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name, quoted, plain] of text.matchAll(
    /(?<![a-zA-Z-])([a-zA-Z-]{1,64})\s{0,16}=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"?|([^\s,;"]*))/g,
  )) {
    const key = name!.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "");
  }
  return parameters;
}

/** The hash of a Digest challenge; `undefined` for one that is not known. MD5 when it names none. */
function algorithmOf({ parameters }: Challenge): { hash: "md5" | "sha256"; session: boolean } | undefined {
  const name = (parameters.get("algorithm") || "MD5").toUpperCase();
  const session = name.endsWith("-SESS");
  const hash = ALGORITHMS[session ? name.slice(0, -5) : name];
  return hash === undefined ? undefined : { hash, session };
}

/**
 * Answers challenges for one connection: remembers the last challenge, so that requests after the first carry their
 * answer at once, and counts its uses.
 */
export class Authenticator {
  readonly #credentials: Credentials;
  readonly #cnonce: () => string;
  #offers: Challenge[] = [];
  #place = 0;
  #uses = 0;

  /** @param cnonce the client's random text, of the caller's making in tests */
  constructor(credentials: Credentials, cnonce: () => string = () => randomBytes(8).toString("hex")) {
    this.#credentials = credentials;
    this.#cnonce = cnonce;
  }

  /**
   * Takes a 401. Returns whether trying again makes sense: the nonce is new (or called stale), or there is another
   * challenge that was not tried yet.
   */
  challenged(fields: readonly string[]): boolean {
    const offers = parseChallenges(fields);
    const current = this.#offers[this.#place];
    const again = offers.find((offer) => current !== undefined && sameKind(offer, current));
    if (current === undefined) {
      [this.#offers, this.#place, this.#uses] = [offers, 0, 0];
      return offers.length > 0;
    }
    const stale = again?.parameters.get("stale")?.toLowerCase() === "true";
    // A fresh nonce after our answer was used before means that the old one ran out; on its first use, a wrong password.
    const renewed = again?.parameters.get("nonce") !== current.parameters.get("nonce") && this.#uses > 1;
    if (again !== undefined && again.scheme === "digest" && (stale || renewed)) {
      this.#offers[this.#place] = again;
      this.#uses = 0;
      return true;
    }
    this.#place++;
    this.#uses = 0;
    const next = this.#offers[this.#place];
    if (next === undefined) return false;
    // With this answer's nonce, since the one that came with the first may be spent.
    this.#offers[this.#place] = offers.find((offer) => sameKind(offer, next)) ?? next;
    return true;
  }

  /** The `Authorization` value for a request; `undefined` before a challenge. */
  authorization(method: string, uri: string): string | undefined {
    const challenge = this.#offers[this.#place];
    if (challenge === undefined) return undefined;
    this.#uses++;
    const { user, password } = this.#credentials;
    if (challenge.scheme === "basic") {
      return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    }
    return digestAnswer(challenge, {
      user,
      password,
      method,
      uri,
      cnonce: this.#cnonce(),
      count: this.#uses,
    });
  }
}

function sameKind(a: Challenge, b: Challenge): boolean {
  return a.scheme === b.scheme && (a.scheme === "basic" || algorithmOf(a)?.hash === algorithmOf(b)?.hash);
}

function digestAnswer(
  challenge: Challenge,
  use: Credentials & { method: string; uri: string; cnonce: string; count: number },
): string {
  const { hash, session } = algorithmOf(challenge)!;
  const realm = challenge.parameters.get("realm") ?? "";
  const nonce = challenge.parameters.get("nonce") ?? "";
  const qops = (challenge.parameters.get("qop") ?? "").toLowerCase().split(/[\s,]+/);
  const qop = qops.includes("auth") ? "auth" : undefined;
  const digest = (text: string) => createHash(hash).update(text).digest("hex");
  const nc = use.count.toString(16).padStart(8, "0");
  let secret = digest(`${use.user}:${realm}:${use.password}`);
  if (session) secret = digest(`${secret}:${nonce}:${use.cnonce}`);
  const request = digest(`${use.method}:${use.uri}`);
  const middle = qop === undefined ? nonce : `${nonce}:${nc}:${use.cnonce}:${qop}`;
  const parts = [
    `username="${escaped(use.user)}"`,
    `realm="${escaped(realm)}"`,
    `nonce="${escaped(nonce)}"`,
    `uri="${use.uri}"`,
    `response="${digest(`${secret}:${middle}:${request}`)}"`,
  ];
  const opaque = challenge.parameters.get("opaque");
  const algorithm = challenge.parameters.get("algorithm");
  if (algorithm !== undefined && algorithm !== "") parts.push(`algorithm=${algorithm}`);
  if (opaque !== undefined) parts.push(`opaque="${escaped(opaque)}"`);
  if (qop !== undefined || session) parts.push(`cnonce="${use.cnonce}"`);
  if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${nc}`);
  return `Digest ${parts.join(", ")}`;
}

function escaped(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}

/** The server's side of Digest: hands out challenges and checks answers. */
export class DigestGuard {
  readonly #realm: string;
  readonly #credentials: Credentials;
  readonly #nonce = randomBytes(16).toString("hex");

  constructor(realm: string, credentials: Credentials) {
    this.#realm = realm;
    this.#credentials = credentials;
  }

  /** `WWW-Authenticate` values. MD5 last: ffmpeg heeds the last one alone, and knows no other. */
  get challenges(): string[] {
    const common = `realm="${this.#realm}", nonce="${this.#nonce}", qop="auth"`;
    return [`Digest ${common}, algorithm=SHA-256`, `Digest ${common}, algorithm=MD5`];
  }

  /** Whether an `Authorization` value answers one of the challenges for this request. */
  allows(authorization: string | undefined, method: string): boolean {
    if (authorization === undefined || !/^digest\s/i.test(authorization)) return false;
    const given = parseParameters(authorization.replace(/^digest\s+/i, ""));
    if (given.get("nonce") !== this.#nonce || given.get("username") !== this.#credentials.user) return false;
    const algorithm = algorithmOf({ scheme: "digest", parameters: given });
    const response = given.get("response");
    const uri = given.get("uri");
    if (algorithm === undefined || algorithm.session || response === undefined || uri === undefined)
      return false;
    const digest = (text: string) => createHash(algorithm.hash).update(text).digest("hex");
    const secret = digest(`${this.#credentials.user}:${this.#realm}:${this.#credentials.password}`);
    const qop = given.get("qop");
    const middle =
      qop === undefined || qop === ""
        ? this.#nonce
        : `${this.#nonce}:${given.get("nc") ?? ""}:${given.get("cnonce") ?? ""}:${qop}`;
    const expected = Buffer.from(digest(`${secret}:${middle}:${digest(`${method}:${uri}`)}`));
    const got = Buffer.from(response.toLowerCase());
    return got.length === expected.length && timingSafeEqual(got, expected);
  }
}

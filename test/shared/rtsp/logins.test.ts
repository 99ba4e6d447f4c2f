import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { DigestGuard, parseParameters } from "../../../shared/rtsp/auth.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { fills, receive } from "./play.ts";
import { type CameraScript, ScriptedCamera, three } from "./scripted-camera.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A camera that wants Digest, and changes its mind about it. */
function guarded(
  check: (
    authorization: string | undefined,
    method: string,
    request: number,
  ) => readonly string[] | undefined,
): CameraScript {
  let request = 0;
  return {
    answer: ({ method, headers }) => {
      const challenges = check(headers.get("authorization"), method, request++);
      return challenges === undefined
        ? undefined
        : { status: 401, fields: challenges.map((value) => ["WWW-Authenticate", value] as const) };
    },
    play: three,
  };
}

/** A camera that wants another nonce for each request. @param words how it says so, of a challenge */
function nonceForEach(words: (challenge: string) => string): CameraScript {
  let digest = guard();
  return guarded((given, method) => {
    if (digest.allows(given, method)) {
      digest = guard();
      return undefined;
    }
    return digest.challenges.map(words);
  });
}

const credentials = { user: "admin", password: "p@ss:w/ord#1" };
const CREDENTIALS = "admin:p%40ss%3Aw%2Ford%231@";
const guard = () => new DigestGuard("cam", credentials);

const LOGINS: readonly (readonly [quirk: string, make: () => CameraScript])[] = [
  [
    "several challenges, Basic among them broken (Tapo)",
    () => {
      const digest = guard();
      return guarded((given, method) =>
        digest.allows(given, method) ? undefined : ['Basic realm="cam"', ...digest.challenges],
      );
    },
  ],
  [
    "SHA-256 only (Hikvision)",
    () => {
      const digest = guard();
      const only = digest.challenges.filter((text) => text.includes("SHA-256"));
      return guarded((given, method) =>
        digest.allows(given, method) && given!.includes("SHA-256") ? undefined : only,
      );
    },
  ],
  [
    "Digest without qop and algorithm (RFC 2069)",
    () => {
      const digest = guard();
      const bare = digest.challenges.at(-1)!.replace(/, qop="auth", algorithm=MD5/, "");
      return guarded((given, method) =>
        digest.allows(given, method) && !given!.includes("qop") ? undefined : [bare],
      );
    },
  ],
  [
    "Basic only",
    () => {
      const expected = `Basic ${Buffer.from("admin:p@ss:w/ord#1").toString("base64")}`;
      return guarded((given) => (given === expected ? undefined : ['Basic realm="/"']));
    },
  ],
  ["a new nonce for each request, called stale", () => nonceForEach((text) => `${text}, stale=TRUE`)],
  ["a new nonce for each request, not called stale", () => nonceForEach((text) => text)],
  [
    "MD5-sess",
    () =>
      guarded((given, method) => {
        const { nc, cnonce, uri, response } = Object.fromEntries(parseParameters(given ?? ""));
        const md5 = (text: string) => createHash("md5").update(text).digest("hex");
        const session = md5(`${md5("admin:cam:p@ss:w/ord#1")}:n1:${cnonce}`);
        const expected = md5(`${session}:n1:${nc}:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
        return response === expected
          ? undefined
          : ['Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5-sess'];
      }),
  ],
  [
    "the full address is wanted in the digest",
    () => {
      const digest = guard();
      return guarded((given, method) =>
        digest.allows(given, method) && /uri="rtsp:\/\/127/.test(given!) ? undefined : digest.challenges,
      );
    },
  ],
  [
    "a new nonce in the middle, not called stale (Axis)",
    () => {
      let digest = guard();
      let changed = false;
      return guarded((given, method) => {
        if (method === "SETUP" && !changed) {
          changed = true;
          digest = guard();
          return digest.challenges;
        }
        return digest.allows(given, method) ? undefined : digest.challenges;
      });
    },
  ],
  [
    "both challenges in one field, parameters unquoted",
    () => {
      const digest = guard();
      const loose = digest.challenges
        .at(-1)!
        .replace('realm="cam"', "realm=cam")
        .replace('qop="auth"', "qop=auth,auth-int");
      return guarded((given, method) =>
        digest.allows(given, method) ? undefined : [`Basic realm=cam, ${loose}`],
      );
    },
  ],
  [
    "401 without User-Agent",
    () => ({
      answer: ({ headers }) => (headers.get("user-agent") === undefined ? { status: 401 } : undefined),
      play: three,
    }),
  ],
];

for (const [quirk, make] of LOGINS) {
  test(`a login works although: ${quirk}`, async () => {
    await using camera = await ScriptedCamera.start(make());
    const { pictures } = await receive({ url: camera.url("/s?x=1", CREDENTIALS), transport: "tcp" }, 3);
    expect(fills(pictures)).toEqual([1, 2, 3]);
    expect(camera.requests.every(({ uri }) => !uri.includes("admin"))).toBe(true);
  });
}

test("a wrong password is tried once for each challenge and then refused", async () => {
  await using camera = await ScriptedCamera.start(guarded(() => guard().challenges));
  const play = receive({ url: camera.url("/s", "admin:wrong@"), transport: "tcp" }, 1);
  await expect(play).rejects.toMatchObject({ kind: "refused" });
  expect(camera.requests.length).toBeLessThanOrEqual(3);
});

test("that a camera wants a user and a password is said where none are given", async () => {
  await using camera = await ScriptedCamera.start(guarded(() => guard().challenges));
  const play = receive({ url: camera.url(), transport: "tcp" }, 1);
  await expect(play).rejects.toMatchObject({
    kind: "refused",
    message: expect.stringContaining("wants a user"),
  });
});

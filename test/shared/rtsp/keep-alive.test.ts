import { expect, test } from "bun:test";
import { DigestGuard } from "../../../shared/rtsp/auth.ts";
import { receive } from "./play.ts";
import { type CameraScript, idr, ScriptedCamera, type ScriptedConnection } from "./scripted-camera.ts";

/** Pictures for two and a half seconds, which is time for two signs of life of a session that lasts two. */
async function play(camera: ScriptedConnection): Promise<void> {
  const startMs = performance.now();
  for (let i = 0; i < PICTURES && camera.isOpen; i++) {
    camera.packet(idr(i), 9000 * i, { marker: true });
    // By the clock: pauses that are each a little long would be time for another sign of life.
    await Bun.sleep(Math.max(0, startMs + 100 * (i + 1) - performance.now()));
  }
}
const PICTURES = 25;

const CASES: readonly (readonly [
  what: string,
  method: string,
  publics: readonly string[],
  more: CameraScript,
])[] = [
  [
    "at half its time-out, with GET_PARAMETER where the camera knows it, although it never answers",
    "GET_PARAMETER",
    ["DESCRIBE, SETUP", "PLAY, GET_PARAMETER"],
    { answer: ({ method }) => (method === "GET_PARAMETER" ? { silent: true } : undefined) },
  ],
  ["with OPTIONS where it knows nothing else", "OPTIONS", ["DESCRIBE, SETUP, PLAY, SET_PARAMETER"], {}],
  [
    "although the camera answers that it does not know the request after all",
    "GET_PARAMETER",
    ["GET_PARAMETER"],
    { answer: ({ method }) => (method === "GET_PARAMETER" ? { status: 501 } : undefined) },
  ],
];

for (const [what, expected, publics, { answer }] of CASES) {
  test.concurrent(`the session is kept alive ${what}`, async () => {
    await using camera = await ScriptedCamera.start({ answer: script(publics, answer), play });
    await receive({ url: camera.url(), transport: "tcp" }, PICTURES - 1);
    const playing = camera.requests.slice(camera.methods.indexOf("PLAY") + 1);
    const alive = playing.filter(({ method }) => method !== "TEARDOWN");
    expect(alive.map(({ method }) => method)).toEqual([expected, expected]);
    expect(alive[0]!.headers.get("session")).toBe("abc");
  });
}

test.concurrent("a nonce that runs out while it plays (Axis) is answered anew, and the stream goes on", async () => {
  const login = { user: "admin", password: "p" };
  let guard = new DigestGuard("cam", login);
  let refusals = 0;
  await using camera = await ScriptedCamera.start({
    answer: script(["GET_PARAMETER"], ({ method, headers }) => {
      // As if the nonce's time were over: at the first sign of life.
      if (method === "GET_PARAMETER" && refusals === 0) guard = new DigestGuard("cam", login);
      if (guard.allows(headers.get("authorization"), method)) return undefined;
      if (method === "GET_PARAMETER") refusals++;
      return { status: 401, fields: guard.challenges.map((value) => ["WWW-Authenticate", value] as const) };
    }),
    play,
  });
  await receive({ url: camera.url("/s", "admin:p@"), transport: "tcp" }, PICTURES - 1);
  expect(refusals).toBe(1);
  expect(camera.methods.filter((method) => method === "GET_PARAMETER").length).toBe(3);
});

/** A session of two seconds on a camera that says it knows these methods. */
function script(
  publics: readonly string[],
  answer: CameraScript["answer"],
): NonNullable<CameraScript["answer"]> {
  return (request, camera) => {
    const own = answer?.(request, camera);
    if (own !== undefined) return own;
    if (request.method === "OPTIONS") return { fields: publics.map((value) => ["Public", value] as const) };
    if (request.method === "PLAY") return { fields: [["Session", "abc"]] };
    if (request.method !== "SETUP") return undefined;
    return {
      fields: [
        ["Session", "abc; timeout=2"],
        ["Transport", "RTP/AVP/TCP;interleaved=0-1"],
      ],
    };
  };
}

import { expect, setDefaultTimeout, test } from "bun:test";
import { within } from "../../../shared/base/wait.ts";
import { DigestGuard } from "../../../shared/rtsp/auth.ts";
import { playRtsp } from "../../../shared/rtsp/client.ts";
import type { RtspRequest } from "../../../shared/rtsp/message.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { type CameraScript, idr, ScriptedCamera, type ScriptedConnection } from "./scripted-camera.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

/** A picture each tenth of a second, so that the stream itself never gives cause to ask. */
async function play(camera: ScriptedConnection): Promise<void> {
  for (let i = 0; camera.isOpen; i++) {
    camera.packet(idr(i & 0xff), 9000 * i, { marker: true });
    await Bun.sleep(100);
  }
}

/** Plays until the camera was asked for so many signs of life; gives them. */
async function signsOfLife(camera: ScriptedCamera, url: string, count: number): Promise<RtspRequest[]> {
  const stop = new AbortController();
  const signs = () => {
    const after = camera.requests.slice(camera.methods.indexOf("PLAY") + 1);
    return after.filter(({ method }) => method !== "TEARDOWN");
  };
  const onPicture = () => {
    if (signs().length >= count) stop.abort();
  };
  await within(playRtsp({ url, transport: "tcp" }, { onPicture }, stop.signal), BUSY_MACHINE_MS, "signs");
  return signs();
}

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
    const askedMs: number[] = [];
    const noted: CameraScript["answer"] = (request, connection) => {
      if (request.method === "PLAY" || askedMs.length > 0) askedMs.push(performance.now());
      return answer?.(request, connection);
    };
    await using camera = await ScriptedCamera.start({ answer: script(publics, noted), play });
    const signs = await signsOfLife(camera, camera.url(), 2);
    expect(new Set(signs.map(({ method }) => method))).toEqual(new Set([expected]));
    expect(signs[0]!.headers.get("session")).toBe("abc");
    // At half of two seconds, and not before.
    expect(askedMs[1]! - askedMs[0]!).toBeGreaterThan(990);
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
  // The one that is refused, the same anew, and the next.
  const signs = await signsOfLife(camera, camera.url("/s", "admin:p@"), 3);
  expect(signs.every(({ method }) => method === "GET_PARAMETER")).toBe(true);
  expect(refusals).toBe(1);
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

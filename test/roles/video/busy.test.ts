import { expect, setDefaultTimeout, test } from "bun:test";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import { packetizeJpeg, rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { ScriptedCamera } from "../../shared/rtsp/scripted-camera.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";
import { startVideo, TestTester } from "./support.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

test("a camera that serves one viewer only (453, 503) is said to be busy, and is live once it is free", async () => {
  const data = new Uint8Array(64 * 48 * 3).fill(120);
  const payloads = packetizeJpeg(rtpJpeg(await encodeStandardJpeg({ width: 64, height: 48, data }, 80))!);
  const refusals = [453, 503];
  let isFree = false;
  await using camera = await ScriptedCamera.start({
    sdp: "v=0\r\nm=video 0 RTP/AVP 26\r\na=control:trackID=1\r\n",
    answer: ({ method }) => {
      if (method !== "SETUP" || isFree) return undefined;
      return { status: refusals.shift() ?? 453 };
    },
    play: async (connection) => {
      for (let i = 0; connection.isOpen; i++) {
        for (const [place, payload] of payloads.entries()) {
          const marker = place === payloads.length - 1;
          connection.packet(payload, 3600 * i, { marker, payloadType: 26 });
        }
        await Bun.sleep(40);
      }
    },
  });
  await using video = await startVideo([{ name: "gate", source: camera.url() }]);
  await using tester = await TestTester.join(video);
  tester.follow("gate");
  for (const status of ["453", "503"]) {
    const saysSo = () => tester.status("gate")?.problem?.text.includes(status) === true;
    await tester.until(saysSo, `word of ${status}`);
    const { state, problem } = tester.status("gate")!;
    expect([state, problem?.kind]).toEqual(["gone", "busy"]);
    expect(problem!.text).toContain("close another one");
  }
  isFree = true;
  await tester.until(() => tester.frames.length > 2, "frames", 5000);
  expect(tester.status("gate")).toMatchObject({ state: "live", problem: undefined });
});

import { afterEach, expect, setSystemTime, test } from "bun:test";
import { type ReceivedPicture, Receiver } from "../../../shared/rtsp/receiver.ts";
import { chooseVideo, parseSdp } from "../../../shared/rtsp/sdp.ts";
import { H264_SDP, idr, slice } from "./scripted-camera.ts";

afterEach(() => {
  setSystemTime();
});

const BEGAN_MS = Date.UTC(2026, 0, 1);

/** Packets as `[payload, when they come in ms, of which picture, marker]`; when each picture that came of them had come. */
function arrivals(packets: readonly (readonly [Buffer, number, number, boolean?, number?])[]): number[] {
  const pictures: ReceivedPicture[] = [];
  const events = { onPicture: (picture: ReceivedPicture) => pictures.push(picture) };
  const receiver = new Receiver(chooseVideo(parseSdp(H264_SDP)), 0, events);
  packets.forEach(([payload, atMs, picture, marker = true, skipped = 0], i) => {
    setSystemTime(BEGAN_MS + atMs);
    const at = { payloadType: 96, sequence: i + skipped, timestamp: 9000 * picture, ssrc: 1 };
    receiver.take({ ...at, payload, marker, extension: undefined });
  });
  return pictures.map(({ arrivedMs }) => arrivedMs - BEGAN_MS);
}

test("a picture came when its own first packet did, not those that were held before it", () => {
  // No key picture for four seconds at first, and for five after a loss.
  expect(
    arrivals([
      [slice(1), 0, 0],
      [slice(2), 100, 1],
      [idr(3), 4000, 2],
      [slice(4), 4100, 3],
      [slice(5), 4300, 5, true, 1],
      [slice(6), 4400, 6, true, 1],
      [idr(7), 9400, 7, true, 1],
    ]),
  ).toEqual([4000, 4100, 9400]);
});

test("of several packets the first counts, also where only the next picture tells that one is whole", () => {
  expect(
    arrivals([
      [idr(1), 0, 0, false],
      [slice(2), 30, 0],
      [slice(3), 100, 1, false],
      [slice(4), 130, 1, false],
      [slice(5), 200, 2, false],
      [slice(6), 300, 3, false],
    ]),
  ).toEqual([0, 100, 200]);
});

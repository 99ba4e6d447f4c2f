import { expect, test } from "bun:test";
import type { Depacketizer } from "../../../shared/rtsp/access-unit.ts";
import { h264Depacketizer } from "../../../shared/rtsp/h264.ts";
import { h265Depacketizer } from "../../../shared/rtsp/h265.ts";

const format = {
  ...{ payloadType: 96, clockRate: 90_000, encoding: "", fmtp: "", control: "" },
  ...{ parameters: new Map<string, string>(), size: undefined },
};
const h264 = () => h264Depacketizer({ ...format, codec: "h264" });
const h265 = () => h265Depacketizer({ ...format, codec: "h265" });

/** What is said of the picture of these units, each in a packet of its own. */
function pictureOf(depacketizer: Depacketizer, ...units: readonly (readonly number[])[]) {
  const [picture] = units.flatMap((unit, sequence) => {
    const marker = sequence === units.length - 1;
    const packet = { payloadType: 96, marker, sequence, timestamp: 0, ssrc: 1, extension: undefined };
    return [...depacketizer.push({ ...packet, payload: Buffer.from(unit) }, 0)];
  });
  return { isKey: picture!.isKey, isClean: picture!.isClean };
}

test("H.264: an IDR picture ends all ties; one after a recovery point can begin, and ends none", () => {
  expect(pictureOf(h264(), [0x65, 0x88, 1])).toEqual({ isKey: true, isClean: true });
  expect(pictureOf(h264(), [0x06, 0x06, 0x01, 0x84], [0x41, 0x9a, 1])).toEqual({
    isKey: true,
    isClean: false,
  });
});

test("H.265: both kinds of IDR end all ties; pictures that are shown before a CRA may build on what came before", () => {
  const ofType = (type: number) => pictureOf(h265(), [type << 1, 1, 0x80, 7, 8]);
  const [idrWithLeading, idr, cra] = [19, 20, 21].map(ofType);
  expect([idrWithLeading, idr]).toEqual(Array(2).fill({ isKey: true, isClean: true }));
  expect(cra).toEqual({ isKey: true, isClean: false });
});

import { expect, setDefaultTimeout, test } from "bun:test";
import { Random } from "../../../shared/base/random.ts";
import { decodePicture } from "../../../shared/image/codec.ts";
import { encodeStandardJpeg } from "../../../shared/media/standard-jpeg.ts";
import {
  type CodedPicture,
  type Depacketizer,
  PICTURE_PACKET_COUNT_MAX,
} from "../../../shared/rtsp/access-unit.ts";
import { h264Depacketizer } from "../../../shared/rtsp/h264.ts";
import { h265Depacketizer } from "../../../shared/rtsp/h265.ts";
import { jpegDepacketizer } from "../../../shared/rtsp/jpeg.ts";
import { packetizeJpeg, rtpJpeg } from "../../../shared/rtsp/jpeg-packetizer.ts";
import { quantizationTables } from "../../../shared/rtsp/jpeg-tables.ts";
import { joinAnnexB, splitAnnexB } from "../../../shared/rtsp/nal.ts";
import type { RtpPacket } from "../../../shared/rtsp/rtp.ts";
import type { VideoFormat } from "../../../shared/rtsp/sdp.ts";
import { BUSY_MACHINE_MS } from "../../support/limits.ts";

setDefaultTimeout(BUSY_MACHINE_MS);

function format(codec: VideoFormat["codec"], fmtp: Record<string, string> = {}): VideoFormat {
  const parameters = new Map(Object.entries(fmtp));
  return {
    codec,
    payloadType: 96,
    clockRate: 90_000,
    encoding: "",
    fmtp: "",
    control: "",
    parameters,
    size: undefined,
  };
}

/** Packets as `[payload, timestamp, marker, lostBefore]` with the pictures that come of them. */
type Step = readonly [payload: Buffer | number[], timestamp: number, marker: boolean, lostBefore?: number];

function run(depacketizer: Depacketizer, steps: readonly Step[]): CodedPicture[] {
  return steps.flatMap(([payload, timestamp, marker, lostBefore = 0], i) => {
    const packet: RtpPacket = {
      payloadType: 96,
      marker,
      sequence: i,
      timestamp,
      ssrc: 1,
      payload: Buffer.from(payload),
      extension: undefined,
    };
    return [...depacketizer.push(packet, lostBefore)];
  });
}

const unitsOf = ({ data }: CodedPicture) => splitAnnexB(data).map((unit) => [...unit]);
const SPS = [0x67, 1, 2];
const PPS = [0x68, 3];
const IDR = [0x65, 0x88, 4, 5];
const P = [0x41, 0x9a, 6];

test("H.264 single units, STAP-A and FU-A become the same picture", () => {
  const whole = [SPS, PPS, IDR];
  const forms: Record<string, Step[]> = {
    single: [
      [SPS, 0, false],
      [PPS, 0, false],
      [IDR, 0, true],
    ],
    aggregated: [[[0x78, 0, 3, ...SPS, 0, 2, ...PPS, 0, 4, ...IDR], 0, true]],
    fragmented: [
      [[0x78, 0, 3, ...SPS, 0, 2, ...PPS], 0, false],
      [[0x7c, 0x85, 0x88], 0, false],
      [[0x7c, 0x05, 4], 0, false],
      [[0x7c, 0x45, 5], 0, true],
    ],
    "a fragment that is first and last": [
      [SPS, 0, false],
      [PPS, 0, false],
      [[0x7c, 0xc5, 0x88, 4, 5], 0, true],
    ],
    "a last fragment without its mark": [
      [SPS, 0, false],
      [PPS, 0, false],
      [[0x7c, 0x85, 0x88], 0, false],
      [[0x7c, 0x05, 4, 5], 0, true],
    ],
    "the unit's type changes within its fragments": [
      [SPS, 0, false],
      [PPS, 0, false],
      [[0x7c, 0x85, 0x88], 0, false],
      [[0x7c, 0x41, 4, 5], 0, true],
    ],
    "start codes inside a packet": [
      [[0, 0, 0, 1, ...SPS, 0, 0, 1, ...PPS, 0, 0, 0, 1, ...IDR, 0, 0], 0, true],
    ],
    "start codes inside fragments": [
      [[0x7c, 0x87, ...SPS.slice(1), 0, 0, 0, 1], 0, false],
      [[0x7c, 0x47, ...PPS, 0, 0, 1, ...IDR], 0, true],
    ],
  };
  for (const [form, steps] of Object.entries(forms)) {
    const pictures = run(h264Depacketizer(format("h264")), steps);
    expect([form, pictures.length]).toEqual([form, 1]);
    expect(unitsOf(pictures[0]!)).toEqual(whole);
    expect(pictures[0]!.isKey).toBe(true);
    expect(pictures[0]!.packets.length).toBe(steps.length);
  }
});

test("parameter sets of the stream take the place of those in the SDP, which may hold start codes", () => {
  const sdp = { "sprop-parameter-sets": `${Buffer.from([0, 0, 0, 1, 0x67, 9]).toString("base64")},aAk=` };
  const depacketizer = h264Depacketizer(format("h264", sdp));
  const [first] = run(depacketizer, [[IDR, 0, true]]);
  expect(unitsOf(first!)).toEqual([[0x67, 9], [0x68, 9], IDR]);
  const [second] = run(depacketizer, [
    [SPS, 1, false],
    [IDR, 1, true],
  ]);
  expect(unitsOf(second!)).toEqual([[0x68, 9], SPS, IDR]);
  const [third] = run(depacketizer, [[IDR, 2, true]]);
  expect(unitsOf(third!)).toEqual([SPS, [0x68, 9], IDR]);
});

test("nothing is shown before the first key picture, and after a loss until the next; one that begins whole is whole", () => {
  const depacketizer = h264Depacketizer(format("h264"));
  const times = (steps: readonly Step[]) => run(depacketizer, steps).map(({ timestamp }) => timestamp);
  expect(
    times([
      [P, 1, true],
      [IDR, 2, true],
      [P, 3, true],
    ]),
  ).toEqual([2, 3]);
  expect(
    times([
      [P, 4, true, 1],
      [P, 5, true],
    ]),
  ).toEqual([]);
  // The lost packets were of the picture before: this one begins with its first slice.
  expect(
    times([
      [IDR, 6, true, 3],
      [P, 7, true],
    ]),
  ).toEqual([6, 7]);
  // Here its first slice is missing: 0x08 is a slice that begins elsewhere.
  expect(
    times([
      [[0x65, 0x08, 1], 8, true, 1],
      [P, 9, true],
      [IDR, 10, true],
    ]),
  ).toEqual([10]);
  expect(
    times([
      [[0x7c, 0x85, 1], 11, false],
      [[0x7c, 0x45, 1], 11, true, 1],
      [IDR, 12, true],
    ]),
  ).toEqual([12]);
  expect(depacketizer.damaged).toBe(6);
});

test("after a loss, B-pictures that are shown before it are held as well, and a time that begins anew is no long wait", () => {
  const depacketizer = h264Depacketizer(format("h264"));
  const times = (steps: readonly Step[]) => run(depacketizer, steps).map(({ timestamp }) => timestamp);
  const second = 90_000;
  expect(
    times([
      [IDR, 20 * second, true],
      [P, 21 * second, true, 1],
      [P, 20.3 * second, true],
      [P, 20.6 * second, true],
    ]),
  ).toEqual([20 * second]);
  // Back to the beginning, in a stream that never sends a key picture again: twelve seconds, not thirty-three.
  const anew = Array.from({ length: 15 }, (_, i): Step => [P, i * second, true]);
  expect(times(anew)).toEqual([13 * second, 14 * second]);
});

test("a stream that refreshes itself without key pictures is shown again after a while", () => {
  const depacketizer = h264Depacketizer(format("h264"));
  run(depacketizer, [
    [IDR, 0, true],
    [P, 9000, true],
  ]);
  const after = Array.from({ length: 150 }, (_, i): Step => [P, 18_000 + i * 9000, true, i === 0 ? 1 : 0]);
  const pictures = run(depacketizer, after);
  expect(pictures.length).toBeGreaterThan(20);
  expect(pictures[0]!.timestamp).toBeGreaterThan(12 * 90_000);
});

test("a recovery point makes a key picture, also behind other notes of the encoder", () => {
  const notes: Record<string, [number[], boolean]> = {
    alone: [[0x06, 0x06, 0x01, 0x84, 0x80], true],
    "after the timing": [[0x06, 0x01, 0x02, 0x10, 0x06, 0x06, 0x01, 0x84, 0x80], true],
    "after a long text": [[0x06, 0x05, 0xff, 0x01, ...new Array<number>(256).fill(6), 0x80], false],
    "after an escaped byte": [[0x06, 0x01, 0x03, 0, 0, 3, 1, 0x06, 0x01, 0x84, 0x80], true],
    "the timing alone": [[0x06, 0x01, 0x02, 0x06, 0x06, 0x80], false],
    cut: [[0x06, 0xff, 0xff], false],
  };
  for (const [what, [note, isKey]] of Object.entries(notes)) {
    const pictures = run(h264Depacketizer(format("h264")), [
      [note, 0, false],
      [P, 0, true],
    ]);
    expect([what, pictures.some((picture) => picture.isKey)]).toEqual([what, isKey]);
  }
});

test("packets that hold next to nothing are a picture's no longer than others: memory stays bounded", () => {
  // Of a JPEG: a first fragment of one byte, and others after it of none.
  const first = Buffer.from([0, 0, 0, 0, 1, 80, 1, 1, 7]);
  const further = Buffer.from([0, 0, 0, 1, 1, 80, 1, 1]);
  const streams: [Depacketizer, Buffer][] = [
    [h264Depacketizer(format("h264")), Buffer.alloc(0)],
    [h265Depacketizer(format("h265")), Buffer.alloc(1)],
    [jpegDepacketizer(format("jpeg")), further],
  ];
  for (const [depacketizer, payload] of streams) {
    if (payload === further) run(depacketizer, [[first, 0, false]]);
    const packets = Array.from({ length: PICTURE_PACKET_COUNT_MAX + 1 }, (): Step => [payload, 0, false]);
    expect(run(depacketizer, packets)).toEqual([]);
    expect(depacketizer.damaged).toBe(1);
  }
});

test("H.265 single units, aggregates and fragments become the same picture, with sets from the SDP", () => {
  const vps = [0x40, 1, 1];
  const sps = [0x42, 1, 2];
  const pps = [0x44, 1, 3];
  const idr = [0x26, 1, 0x80, 7, 8];
  const base64 = (unit: number[]) => Buffer.from(unit).toString("base64");
  const forms: Record<string, Step[]> = {
    single: [
      [vps, 0, false],
      [sps, 0, false],
      [pps, 0, false],
      [idr, 0, true],
    ],
    aggregated: [[[0x60, 1, 0, 3, ...vps, 0, 3, ...sps, 0, 3, ...pps, 0, 5, ...idr], 0, true]],
    fragmented: [
      [[0x60, 1, 0, 3, ...vps, 0, 3, ...sps, 0, 3, ...pps], 0, false],
      [[0x62, 1, 0x93, 0x80], 0, false],
      [[0x62, 1, 0x53, 7, 8], 0, true],
    ],
    "sets in the SDP": [[idr, 0, true]],
  };
  for (const [form, steps] of Object.entries(forms)) {
    const fmtp = { "sprop-vps": base64(vps), "sprop-sps": base64(sps), "sprop-pps": base64(pps) };
    const pictures = run(h265Depacketizer(format("h265", form.includes("SDP") ? fmtp : {})), steps);
    expect([form, pictures.map(unitsOf)]).toEqual([form, [[vps, sps, pps, idr]]]);
  }
});

test("H.265 pictures that build on what came before a key picture are held where that was lost, or never came", () => {
  const [keys, leading, trailing] = [0x2a, 0x12, 0x02].map((head) => [head, 1, 0x80, 7]) as [
    number[],
    number[],
    number[],
  ];
  const depacketizer = h265Depacketizer(format("h265"));
  const times = (steps: readonly Step[]) => run(depacketizer, steps).map(({ timestamp }) => timestamp);
  // A random access picture, one that is shown before it, one after it.
  const group = (at: number, lost = 0): Step[] => [
    [keys, at + 2, true, lost],
    [leading, at + 1, true],
    [trailing, at + 3, true],
  ];
  expect(times(group(0))).toEqual([2, 3]);
  expect(times(group(10))).toEqual([12, 11, 13]);
  expect(times(group(20, 1))).toEqual([22, 23]);
  expect(times(group(30))).toEqual([32, 31, 33]);
  expect(depacketizer.damaged).toBe(2);
});

test("NAL units survive joining and splitting", () => {
  const random = new Random("nal");
  for (let round = 0; round < 50; round++) {
    const units = Array.from({ length: 1 + random.below(5) }, () =>
      Buffer.from(Array.from({ length: 1 + random.below(40) }, () => 1 + random.below(255))),
    );
    expect(splitAnnexB(joinAnnexB(units))).toEqual(units);
  }
});

async function picture(width: number, height: number, quality: number): Promise<Uint8Array> {
  const random = new Random("jpeg", width);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i / 9 + random.below(30)) & 255);
  return encodeStandardJpeg({ width, height, data }, quality);
}

const jpegSteps = (payloads: readonly Buffer[], timestamp = 0): Step[] =>
  payloads.map((payload, i) => [payload, timestamp, i === payloads.length - 1]);

test("a JPEG file crosses RTP and decodes to the same pixels", async () => {
  for (const [width, height, quality] of [
    [160, 120, 80],
    [637, 359, 95],
    [2040, 16, 30],
  ] as const) {
    const file = await picture(width, height, quality);
    const payloads = packetizeJpeg(rtpJpeg(file)!);
    expect(Math.max(...payloads.map((payload) => payload.length))).toBeLessThanOrEqual(1400);
    const [received] = run(jpegDepacketizer(format("jpeg")), jpegSteps(payloads));
    // RTP carries sizes in eighths: the picture comes with up to 7 pixels of what pads it.
    expect(received!.size).toEqual({ width: Math.ceil(width / 8) * 8, height: Math.ceil(height / 8) * 8 });
    const [sent, got] = [await decodePicture(file), await decodePicture(received!.data)];
    for (let y = 0; y < height; y += 7) {
      const row = (from: { data: Uint8Array; width: number }) =>
        Buffer.from(from.data.subarray(y * from.width * 3, (y * from.width + (width - 8)) * 3));
      expect(row(got).equals(row(sent))).toBe(true);
    }
  }
});

test("a JPEG file with restart markers crosses RTP", async () => {
  const file = await picture(96, 64, 70);
  const parts = rtpJpeg(file)!;
  const payloads = packetizeJpeg({ ...parts, restartInterval: 3 });
  const [received] = run(jpegDepacketizer(format("jpeg")), jpegSteps(payloads));
  expect(rtpJpeg(received!.data)).toEqual({ ...parts, restartInterval: 3 });
});

test("files that RTP cannot carry are known", async () => {
  const file = Buffer.from(await picture(64, 64, 80));
  expect(rtpJpeg(file)).toBeDefined();
  expect(rtpJpeg(Buffer.from(await picture(2048, 8, 50)))).toBeUndefined();
  for (const [what, change] of Object.entries({
    "no JPEG": () => Buffer.from("GIF89a"),
    "cut in its header": () => file.subarray(0, 200),
    "cut in its data": () => file.subarray(0, file.length - 40),
    "too large for the fragments' offsets": () => Buffer.concat([file, Buffer.alloc(2 ** 24), file]),
    progressive: () =>
      Buffer.from(file).fill(
        0xc2,
        file.indexOf(Buffer.from([0xff, 0xc0])) + 1,
        file.indexOf(Buffer.from([0xff, 0xc0])) + 2,
      ),
    "other Huffman tables": () => {
      const other = Buffer.from(file);
      other[other.indexOf(Buffer.from([0xff, 0xc4])) + 22]! ^= 1;
      return other;
    },
  })) {
    expect([what, rtpJpeg(change())]).toEqual([what, undefined]);
  }
});

test("RTP/JPEG as cameras send it: Q below 100, tables sent once, no end marker, sizes beyond 2040, restart types", async () => {
  const file = await picture(160, 120, 80);
  const parts = rtpJpeg(file)!;
  const [scan, noEnd] = [parts.scan, parts.scan.subarray(0, parts.scan.length - 2)];
  const head = (q: number, w = 160, h = 120, type = 1) => [0, 0, 0, 0, type, q, (w / 8) & 255, (h / 8) & 255];
  const tables = (length: number) =>
    Buffer.concat([Buffer.from([0, 0, length >> 8, length & 255]), parts.tables.subarray(0, length)]);
  const one = (depacketizer: Depacketizer, ...bytes: (Buffer | number[])[]) =>
    run(depacketizer, [[Buffer.concat(bytes.map((part) => Buffer.from(part))), 0, true]])[0];

  const plain = one(jpegDepacketizer(format("jpeg")), head(80), noEnd)!;
  expect(rtpJpeg(plain.data)).toEqual({ ...parts, tables: quantizationTables(80) });

  const keeps = jpegDepacketizer(format("jpeg"));
  expect(one(keeps, head(130), tables(0), scan)).toBeUndefined(); // never sent
  expect(rtpJpeg(one(keeps, head(130), tables(128), scan)!.data)!.tables).toEqual(parts.tables);
  expect(rtpJpeg(one(keeps, head(130), tables(0), scan)!.data)!.tables).toEqual(parts.tables);

  const restart = one(jpegDepacketizer(format("jpeg")), head(80, 160, 120, 65), [0, 5, 0xff, 0xff], scan)!;
  expect(rtpJpeg(restart.data)!.restartInterval).toBe(5);

  const told = { ...format("jpeg"), size: { width: 2560, height: 1440 } };
  expect(one(jpegDepacketizer(told), head(80, 2560, 1440), scan)!.size).toEqual(told.size);
  expect(one(jpegDepacketizer(told), head(80, 0, 0), scan)!.size).toEqual(told.size);
  // Without being told: 512x1440 is no camera's size, 2560x1440 is.
  expect(one(jpegDepacketizer(format("jpeg")), head(80, 2560, 1440), scan)!.size).toEqual(told.size);
  expect(one(jpegDepacketizer(format("jpeg")), head(80, 0, 0), scan)).toBeUndefined();
});

test("the size of a large JPEG is read from the ONVIF header extension", async () => {
  const { scan } = rtpJpeg(await picture(160, 120, 80))!;
  const frame = [0xff, 0xc0, 0, 17, 8, 1520 >> 8, 1520 & 255, 2688 >> 8, 2688 & 255, 3];
  const data = Buffer.from([0xff, 0xdd, 0, 4, 0, 0, ...frame]);
  const packet: RtpPacket = {
    payloadType: 26,
    marker: true,
    sequence: 1,
    timestamp: 1,
    ssrc: 1,
    payload: Buffer.concat([Buffer.from([0, 0, 0, 0, 1, 80, 0, 0]), scan]),
    extension: { profile: 0xffd8, data },
  };
  const [received] = jpegDepacketizer(format("jpeg")).push(packet, 0);
  expect(received!.size).toEqual({ width: 2688, height: 1520 });
});

test("a JPEG that misses a fragment is not shown, and the next one is", async () => {
  const payloads = packetizeJpeg(rtpJpeg(await picture(320, 240, 90))!);
  expect(payloads.length).toBeGreaterThan(4);
  for (const missing of [0, 2, payloads.length - 1]) {
    const depacketizer = jpegDepacketizer(format("jpeg"));
    const damaged = jpegSteps(payloads, 1).filter((_, i) => i !== missing);
    // Loss is seen both by its count and, where that is not known, by the offsets.
    for (const lost of [0, 1]) {
      const steps = damaged.map((step, i): Step => [step[0], step[1], step[2], i === missing ? lost : 0]);
      const pictures = run(depacketizer, [...steps, ...jpegSteps(payloads, 2)]);
      expect(pictures.map(({ timestamp }) => timestamp)).toEqual([2]);
    }
  }
});

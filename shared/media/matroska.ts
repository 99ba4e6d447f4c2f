/**
 * A Matroska stream of coded pictures (RFC 9559), as the envelope in which ffmpeg takes them: each picture comes
 * whole and with its number, so that the decoder needs not wait for the next one to know where this one ended, and
 * what comes out can be told apart by its number.
 */

const CODEC_ID = { h264: "V_MPEG4/ISO/AVC", h265: "V_MPEGH/ISO/HEVC" } as const;

/**
 * What comes before the first picture. The codec's private data is left out: ffmpeg then takes pictures with start
 * codes, and parameter sets that change on the way. The size is only nominal; the stream's own counts.
 */
export function matroskaHeader(codec: keyof typeof CODEC_ID): Buffer {
  const head = element(0x1a45dfa3, [
    element(0x4282, [Buffer.from("matroska")]), // DocType
    element(0x4287, [number(4)]), // DocTypeVersion
    element(0x4285, [number(2)]), // DocTypeReadVersion
  ]);
  const info = element(0x1549a966, [element(0x2ad7b1, [number(1_000_000)])]); // times in ms
  const tracks = element(0x1654ae6b, [
    element(0xae, [
      element(0xd7, [number(1)]), // TrackNumber
      element(0x73c5, [number(1)]), // TrackUID
      element(0x83, [number(1)]), // TrackType: video
      element(0x86, [Buffer.from(CODEC_ID[codec])]),
      element(0xe0, [element(0xb0, [number(640)]), element(0xba, [number(360)])]), // PixelWidth, PixelHeight
    ]),
  ]);
  const segment = Buffer.from([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]); // no end
  return Buffer.concat([head, segment, info, tracks]);
}

/**
 * What comes before one picture, which is a cluster of its own.
 *
 * @param timeMs rises with each picture in the order they are shown
 */
export function matroskaPictureHead(sizeBytes: number, timeMs: number, isKey: boolean): Buffer {
  const time = element(0xe7, [number(timeMs)]);
  const block = Buffer.from([0x81, 0, 0, isKey ? 0x80 : 0]); // track 1, no offset from the cluster's time
  const blockHead = elementHead(0xa3, block.length + sizeBytes);
  const size = time.length + blockHead.length + block.length + sizeBytes;
  return Buffer.concat([elementHead(0x1f43b675, size), time, blockHead, block]);
}

function element(id: number, parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([elementHead(id, size), ...parts]);
}

function elementHead(id: number, size: number): Buffer {
  const head = Buffer.alloc(12);
  const idBytes = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
  head.writeUIntBE(id, 0, idBytes);
  head[idBytes] = 0x08; // a size of five bytes, 35 bits
  head.writeUInt32BE(size, idBytes + 1);
  return head.subarray(0, idBytes + 5);
}

/** Up to 48 bits, big-endian. */
function number(value: number): Buffer {
  const out = Buffer.alloc(6);
  out.writeUIntBE(value, 0, 6);
  return out;
}

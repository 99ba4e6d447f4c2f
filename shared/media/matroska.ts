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

const PICTURE_HEAD_SIZE_BYTES = 31;

/**
 * What comes before one picture, which is a cluster of its own.
 *
 * @param timeMs rises with each picture in the order they are shown
 */
export function matroskaPictureHead(sizeBytes: number, timeMs: number, isKey: boolean): Buffer {
  // Written in one go, not from elements: it is made for each picture of each camera.
  const head = Buffer.allocUnsafe(PICTURE_HEAD_SIZE_BYTES);
  head.writeUInt32BE(0x1f43b675, 0); // Cluster
  writeSize(head, 4, PICTURE_HEAD_SIZE_BYTES - 9 + sizeBytes);
  head[9] = 0xe7; // Timestamp
  writeSize(head, 10, 6);
  head.writeUInt16BE(Math.floor(timeMs / 2 ** 32), 15);
  head.writeUInt32BE(timeMs % 2 ** 32, 17);
  head[21] = 0xa3; // SimpleBlock
  writeSize(head, 22, 4 + sizeBytes);
  head.writeUInt32BE(isKey ? 0x81000080 : 0x81000000, 27); // track 1, no offset from the cluster's time
  return head;
}

function element(id: number, parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([elementHead(id, size), ...parts]);
}

function elementHead(id: number, size: number): Buffer {
  const head = Buffer.alloc(12);
  const idBytes = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
  head.writeUIntBE(id, 0, idBytes);
  writeSize(head, idBytes, size);
  return head.subarray(0, idBytes + 5);
}

/** A size of five bytes, 35 bits, of which 32 are used. */
function writeSize(into: Buffer, at: number, size: number): void {
  into[at] = 0x08;
  into.writeUInt32BE(size, at + 1);
}

/** Up to 48 bits, big-endian. */
function number(value: number): Buffer {
  const out = Buffer.alloc(6);
  out.writeUIntBE(value, 0, 6);
  return out;
}

/** The tables that RTP/JPEG leaves out (RFC 2435 appendices A and B; ITU-T T.81 annex K). */

/** Positions of a block's coefficients in the order of the tables (T.81 figure A.6). */
export const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
] as const;

const LUMA = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
  29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
  121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
] as const;

const CHROMA = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
] as const;

/**
 * Quantization tables for Q from 1 to 99: luma, then chroma, 64 bytes each in zigzag order (RFC 2435 section 4.2 and
 * appendix A, whose MakeTables works on tables in natural order and stores them in zigzag).
 */
export function quantizationTables(q: number): Buffer {
  const factor = Math.max(1, Math.min(99, q));
  const scale = factor < 50 ? Math.floor(5000 / factor) : 200 - factor * 2;
  const scaled = (base: number) => Math.max(1, Math.min(255, Math.floor((base * scale + 50) / 100)));
  return Buffer.from([
    ...ZIGZAG.map((place) => scaled(LUMA[place]!)),
    ...ZIGZAG.map((place) => scaled(CHROMA[place]!)),
  ]);
}

/** A Huffman table: 16 counts of codes by length, then the values. */
export interface HuffmanTable {
  /** Class (0 DC, 1 AC) in the high half, destination (0 luma, 1 chroma) in the low. */
  readonly id: number;
  readonly bytes: Buffer;
}

const DC_VALUES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const LUMA_AC =
  "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a" +
  "434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9" +
  "aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa";
const CHROMA_AC =
  "0001020311040521310612415107617113223281081442" +
  "91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a6364656667" +
  "68696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9ca" +
  "d2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa";

/** The typical Huffman tables of T.81 annex K.3, which every RTP/JPEG stream uses. */
export const STANDARD_HUFFMAN: readonly HuffmanTable[] = [
  { id: 0x00, bytes: Buffer.from([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, ...DC_VALUES]) },
  {
    id: 0x10,
    bytes: Buffer.concat([
      Buffer.from([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d]),
      Buffer.from(LUMA_AC, "hex"),
    ]),
  },
  { id: 0x01, bytes: Buffer.from([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, ...DC_VALUES]) },
  {
    id: 0x11,
    bytes: Buffer.concat([
      Buffer.from([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77]),
      Buffer.from(CHROMA_AC, "hex"),
    ]),
  },
];

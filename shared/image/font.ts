/**
 * Letters of 5 by 7 dots, so that labels can be drawn on any machine: no font of the system is asked for. Letters with
 * accents are put together from the letter and its mark, which covers what European languages write.
 */

/** Dots of a letter: 5 columns; 3 rows for a mark above, 7 of a capital, 1 below the base line. */
export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 11;

/** Columns of U+0020 to U+007E, five bytes each; bit 0 is the top row of a capital, bit 7 lies below the base line. */
const ASCII_COLUMNS = Buffer.from(
  [
    "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0008070300", // space to '
    "001c224100 0041221c00 2a1c7f1c2a 08083e0808 0080703000 0808080808 0000606000 2010080402", // ( to /
    "3e5149453e 00427f4000 7249494946 2141494d33 1814127f10 2745454539 3c4a494931 4121110907", // 0 to 7
    "3649494936 464949291e 0000140000 0040340000 0008142241 1414141414 0041221408 0201590906", // 8 to ?
    "3e415d594e 7c1211127c 7f49494936 3e41414122 7f4141413e 7f49494941 7f09090901 3e41415173", // @ to G
    "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f021c027f 7f0408107f 3e4141413e", // H to O
    "7f09090906 3e4151215e 7f09192946 2649494932 03017f0103 3f4040403f 1f2040201f 3f4038403f", // P to W
    "6314081463 0304780403 6159494d43 007f414141 0204081020 004141417f 0402010204 8080808080", // X to _
    "0003070800 2054547840 7f28444438 3844444428 384444287f 3854545418 00087e0902 18a4a49c78", // ` to g
    "7f08040478 00447d4000 2040403d00 7f10284400 00417f4000 7c04780478 7c08040478 3844444438", // h to o
    "fc18242418 18242418fc 7c08040408 4854545424 04043f4424 3c4040207c 1c2040201c 3c4030403c", // p to w
    "4428102844 4c9090907c 4464544c44 0008364100 0000770000 0041360800 0201020402", // x to ~
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

/** What is drawn for a letter that is not here. */
const UNKNOWN_COLUMNS = [0x7f, 0x41, 0x41, 0x41, 0x7f];
/** i without its dot, for the accents that take its place. */
const DOTLESS_I_COLUMNS = [0x00, 0x44, 0x7c, 0x40, 0x00];

/** Combining marks above a letter: two rows of five dots, leftmost dot in bit 4. */
const MARKS: Readonly<Record<string, readonly [upper: number, lower: number]>> = {
  "\u0300": [0b01000, 0b00100], // grave
  "\u0301": [0b00010, 0b00100], // acute
  "\u0302": [0b00100, 0b01010], // circumflex
  "\u0303": [0b01101, 0b10110], // tilde
  "\u0304": [0b00000, 0b01110], // macron
  "\u0306": [0b01010, 0b00100], // breve
  "\u0307": [0b00100, 0b00000], // dot
  "\u0308": [0b01010, 0b00000], // diaeresis
  "\u030a": [0b00110, 0b00110], // ring
  "\u030b": [0b00101, 0b01010], // double acute
  "\u030c": [0b01010, 0b00100], // caron
};
const CEDILLA = /[\u0326-\u0328]/;

/** Letters that are another one upside down or nearly: ¿ and ¡ matter in Spanish. */
const TURNED: Readonly<Record<string, string>> = { "¿": "?", "¡": "!" };

/** One letter as rows of dots from top to bottom, each row's leftmost dot in bit 4. */
export type Glyph = readonly number[];

const made = new Map<string, Glyph>();

/** A text as letters to draw, left to right. Control characters are left out. */
export function glyphsOf(text: string): Glyph[] {
  const letters: string[] = [];
  for (const character of text.normalize("NFD").replace(/\p{Cc}/gu, "")) {
    const joins = /\p{Mn}/u.test(character) && letters.length > 0;
    if (joins) letters[letters.length - 1] += character;
    else letters.push(character);
  }
  return letters.map((letter) => {
    let glyph = made.get(letter);
    if (glyph === undefined) {
      glyph = makeGlyph(letter);
      if (made.size < 1000) made.set(letter, glyph);
    }
    return glyph;
  });
}

function makeGlyph(letter: string): Glyph {
  const [base = " ", ...marks] = letter;
  const above = marks.map((mark) => MARKS[mark]).find((mark) => mark !== undefined);
  const rows = rowsOf(columnsOf(base, above !== undefined));
  if (above !== undefined) {
    // Small letters leave the two top rows of the capitals free; tall ones get the mark above those.
    const top = "acegijmnopqrsuvwxyz".includes(base) ? 2 : 0;
    rows[top]! |= above[0];
    rows[top + 1]! |= above[1];
  }
  if (marks.some((mark) => CEDILLA.test(mark))) rows[GLYPH_HEIGHT - 1]! |= 0b00100;
  return rows;
}

function columnsOf(base: string, isMarked: boolean): ArrayLike<number> {
  if (isMarked && base === "i") return DOTLESS_I_COLUMNS;
  const turned = TURNED[base];
  if (turned !== undefined) return Array.from(columnsOf(turned, false), flipSeven).reverse();
  const code = base.codePointAt(0)! - 0x20;
  if (code < 0 || code > 0x7e - 0x20) return UNKNOWN_COLUMNS;
  return ASCII_COLUMNS.subarray(code * GLYPH_WIDTH, (code + 1) * GLYPH_WIDTH);
}

/** Bits 0 to 6 in the other order. */
function flipSeven(column: number): number {
  let flipped = 0;
  for (let bit = 0; bit < 7; bit++) if (column & (1 << bit)) flipped |= 1 << (6 - bit);
  return flipped;
}

function rowsOf(columns: ArrayLike<number>): number[] {
  const rows = new Array<number>(GLYPH_HEIGHT).fill(0);
  for (let bit = 0; bit < 8; bit++) {
    for (let x = 0; x < GLYPH_WIDTH; x++) {
      if (columns[x]! & (1 << bit)) rows[bit + 3]! |= 1 << (GLYPH_WIDTH - 1 - x);
    }
  }
  return rows;
}

import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatToken, newToken, parseToken } from "../../../shared/net/token.ts";

test("any key survives its text form, however it is typed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (key) => {
      const text = formatToken(key);
      expect(text).toMatch(/^([0-9a-hjkmnp-tv-z]{5}-){5}[0-9a-hjkmnp-tv-z]{5}$/);
      const typed = ` ${text.toUpperCase().replaceAll("-", " ").replaceAll("0", "O").replaceAll("1", "L")}\n`;
      expect(parseToken(typed)).toEqual(Buffer.from(key));
    }),
    { seed: 3 },
  );
});

test("every new token is another", () => {
  expect(new Set(Array.from({ length: 100 }, newToken)).size).toBe(100);
});

test("one wrong character and two swapped ones are found out", () => {
  const text = formatToken(Buffer.from("00112233445566778899aabbccddeeff", "hex")).replaceAll("-", "");
  for (let at = 0; at < text.length; at++) {
    const wrong = text.slice(0, at) + (text[at] === "7" ? "8" : "7") + text.slice(at + 1);
    expect(() => parseToken(wrong)).toThrow("typing error");
    const swapped = text.slice(0, at) + (text[at + 1] ?? "") + text[at] + text.slice(at + 2);
    if (swapped !== text) expect(() => parseToken(swapped)).toThrow("typing error");
  }
});

test("a token cut short, or with a foreign character, is refused in words", () => {
  expect(() => parseToken(newToken().slice(0, -1))).toThrow("has 29 letters and digits, and should have 30");
  expect(() => parseToken("u".repeat(30))).toThrow('no "u"');
  expect(() => parseToken("")).toThrow("has 0 letters");
});

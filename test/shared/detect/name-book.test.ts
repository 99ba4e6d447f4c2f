import { expect, test } from "bun:test";
import { NameBook } from "../../../shared/detect/name-book.ts";

function bookOf(...guesses: [name: string, score: number][]): NameBook {
  const book = new NameBook(0.6);
  for (const [name, score] of guesses) book.hear(1, { name, score });
  return book;
}

test("a name needs several frames that agree", () => {
  expect(bookOf(["Maria", 0.99], ["Maria", 0.99]).nameOf(1)).toBeUndefined();
  expect(bookOf(["Maria", 0.9], ["Maria", 0.9], ["Maria", 0.9]).nameOf(1)).toBe("Maria");
});

test("one frame that says another name changes nothing", () => {
  expect(bookOf(["Maria", 0.95], ["Pedro", 0.9], ["Maria", 0.95], ["Maria", 0.95]).nameOf(1)).toBe("Maria");
});

test("a stranger, taken for this one and that one or for nobody surely, has no name", () => {
  expect(bookOf(["Maria", 0.9], ["Pedro", 0.9], ["Ana", 0.9], ["Maria", 0.9]).nameOf(1)).toBeUndefined();
  expect(bookOf(["Maria", 0.5], ["Maria", 0.55], ["Maria", 0.5]).nameOf(1)).toBeUndefined();
});

test("a track that another person took over is named anew; tracks do not mix, and are forgotten", () => {
  const book = bookOf(...Array.from({ length: 10 }, (): [string, number] => ["Maria", 0.95]));
  expect(book.nameOf(1)).toBe("Maria");
  expect(book.nameOf(2)).toBeUndefined();
  for (let i = 0; i < 40; i++) book.hear(1, { name: "Pedro", score: 0.95 });
  expect(book.nameOf(1)).toBe("Pedro");
  book.forget(1);
  expect(book.nameOf(1)).toBeUndefined();
});

test("whoever looks like nobody that is known has no name, however sure the guesses are", () => {
  const book = new NameBook(0.6);
  const hear = (strangeness: number) => book.hear(1, { name: "Maria", score: 0.99, strangeness });
  for (const strangeness of [1.3, 0.9, 1.1]) hear(strangeness);
  expect(book.nameOf(1)).toBeUndefined();
  for (const strangeness of [0.7, 0.8, 0.6]) hear(strangeness);
  expect(book.nameOf(1)).toBe("Maria");
});

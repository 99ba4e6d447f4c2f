/**
 * A pattern for SQLite's GLOB that text with `part` in it matches, in whatever case: SQLite's own `lower` and `LIKE`
 * know the case of ASCII letters only.
 */
export function containing(part: string): string {
  return `*${[...part].map(letterPattern).join("")}*`;
}

function letterPattern(letter: string): string {
  const forms = new Set([letter, letter.toLowerCase(), letter.toUpperCase()]);
  const single = [...forms].filter((form) => [...form].length === 1); // ß in capitals is two letters
  return single.length > 1 || "*?[".includes(letter) ? `[${single.join("")}]` : letter;
}

/** A piece of a page that may stand as it is. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Part[];

/**
 * A template of HTML or SVG. Whatever is put into it is text and escaped, unless it is `Html` itself: names come from
 * data sets of strangers.
 */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.reduce((whole, piece, i) => whole + textOf(parts[i - 1]!) + piece));
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Words in both languages; the page's style shows one of them. */
export function both(english: string, spanish: string): Html {
  return html`<span lang="en">${english}</span><span lang="es">${spanish}</span>`;
}

import { both, type Html, html } from "./html.ts";

/** More classes than that make a table nobody can read: those with the most mistakes are shown. */
const CLASSES_MAX = 40;

/**
 * The confusion matrix as a heat table: a row for each true class, shaded by the share of the row, green where right
 * and red where wrong.
 *
 * @param matrix [truth][seen], the background last
 */
export function confusionTable(matrix: readonly (readonly number[])[], classes: readonly string[]): Html {
  const background = classes.length;
  const shown = [...worstClasses(matrix, classes.length), background];
  const nameOf = (c: number, ifNothing: Html): Html => (c === background ? ifNothing : html`${classes[c]!}`);
  const head = shown.map(
    (c) => html`<th scope="col"><span>${nameOf(c, both("not seen", "no visto"))}</span></th>`,
  );
  const rows = shown.map((truth) => {
    const row = matrix[truth]!;
    const sum = row.reduce((so, count) => so + count, 0);
    const cells = shown.map((seen) => {
      const count = row[seen]!;
      if (truth === background && seen === background) return html`<td></td>`;
      const heat = sum === 0 ? 0 : Math.round((85 * count) / sum);
      const tone = truth === seen ? "right" : "wrong";
      return html`<td class="${tone}" style="--heat:${heat}%">${count}</td>`;
    });
    return html`<tr><th scope="row">${nameOf(truth, both("nothing there", "nada ahí"))}</th>${cells}</tr>`;
  });
  const left = classes.length + 1 - shown.length;
  const note =
    left === 0
      ? ""
      : html`<p>${both(`${left} classes with fewer mistakes are left out.`, `Se omiten ${left} clases con menos errores.`)}</p>`;
  return html`<div class="wide"><table class="confusion"><thead><tr><td></td>${head}</tr></thead><tbody>${rows}</tbody></table></div>${note}`;
}

/** All classes, or those with the most wrong cells in their row, in the order of their numbers. */
function worstClasses(matrix: readonly (readonly number[])[], count: number): number[] {
  const wrong = (c: number): number =>
    matrix[c]!.reduce((sum, value, seen) => sum + (seen === c ? 0 : value), 0);
  return Array.from({ length: count }, (_, c) => c)
    .sort((a, b) => wrong(b) - wrong(a) || a - b)
    .slice(0, CLASSES_MAX)
    .sort((a, b) => a - b);
}

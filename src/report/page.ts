import type { Evaluation } from "../../shared/metrics/evaluation.ts";
import type { History } from "../../shared/nn/history.ts";
import { confusionTable } from "./confusion-table.ts";
import { curveChart } from "./curve-chart.ts";
import { historyCharts } from "./history-charts.ts";
import { both, Html, html } from "./html.ts";
import type { MistakeKind, MistakePhoto, MistakePhotos } from "./mistake-photos.ts";
import { STYLE } from "./style.ts";

/** Everything that the page shows. */
export interface ReportContent {
  readonly model: { readonly name: string; readonly version: number };
  readonly dataset: string;
  readonly split: string;
  /** How the figures were computed: the engine, the form of the weights, pictures a second. */
  readonly engine: string;
  readonly format: string;
  readonly imagesPerSecond: number;
  /** Objects that are left out of all figures, being marked as difficult. */
  readonly difficult: number;
  readonly evaluation: Evaluation;
  /** Of each class the precision at evenly spaced recalls; null of a class without truths. */
  readonly curves: readonly (Float64Array | null)[];
  /** How the model's training went; empty where that is not known. */
  readonly history: History;
  readonly photos: MistakePhotos;
  /** How many mistakes there are of each kind; the photos show the worst. */
  readonly mistakeCounts: Readonly<Record<MistakeKind, number>>;
}

/** Chooses the reader's language; without scripts the page is in English. */
const SCRIPT = 'if(/^es\\b/i.test(navigator.language))document.documentElement.lang="es"';

/** One page that asks no network for anything: its pictures lie beside it. */
export function reportPage(content: ReportContent): string {
  const { model, dataset, split, evaluation } = content;
  const scriptHash = new Bun.CryptoHasher("sha256").update(SCRIPT).digest("base64");
  const policy = `default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'`;
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${model.name} ${model.version} · ${dataset}</title>
<style>${new Html(STYLE)}</style>
<script>${new Html(SCRIPT)}</script>
</head>
<body>
<h1>${model.name} ${model.version}</h1>
<p>${dataset}, ${split}: ${evaluation.images} ${both("pictures", "imágenes")} · ${content.imagesPerSecond.toFixed(1)} ${both("a second", "por segundo")} · ${content.engine} (${content.format})${leftOut(content)}</p>
${figures(evaluation)}
<h2>${both("Classes", "Clases")}</h2>
${classTable(evaluation)}
<h2>${both("Precision and recall", "Precisión y exhaustividad")}</h2>
<p>${both(
    "Recall to the right, precision upwards, at an overlap of 0.5, as COCO ranks detections. The dot is the model's own threshold.",
    "Exhaustividad hacia la derecha, precisión hacia arriba, con solape 0,5, según el orden de COCO. El punto es el umbral del propio modelo.",
  )}</p>
${curves(content)}
<h2>${both("What was taken for what", "Qué se tomó por qué")}</h2>
<p>${both(
    "Rows are the true classes, columns what the model said. The last column counts objects that were not seen, the last row detections where nothing is.",
    "Las filas son las clases verdaderas; las columnas, lo que dijo el modelo. La última columna cuenta objetos no vistos; la última fila, detecciones donde no hay nada.",
  )}</p>
${confusionTable(evaluation.confusion, evaluation.classes)}
${historyCharts(content.history)}
${mistakes(content)}
</body>
</html>
`;
  return text;
}

function leftOut({ difficult }: ReportContent): Html {
  if (difficult === 0) return html``;
  return html` · ${both("left out, marked as difficult:", "omitidos, marcados como difíciles:")} ${difficult}`;
}

function figures(evaluation: Evaluation): Html {
  const { map50, map, map75, precision, recall, f1, accuracy, mapVoc, mapVoc11 } = evaluation;
  const { averageQueryPrecision, singleObject } = evaluation;
  const all: [Html, string][] = [
    [html`mAP50`, share(map50)],
    [html`mAP50-95`, share(map)],
    [html`mAP75`, share(map75)],
    [both("precision", "precisión"), share(precision)],
    [both("recall", "exhaustividad"), share(recall)],
    [html`F1`, share(f1)],
    [both("accuracy", "exactitud"), share(accuracy)],
    [html`VOC 2010`, share(mapVoc)],
    [both("VOC 2007, 11 points", "VOC 2007, 11 puntos"), share(mapVoc11)],
    [both("query precision", "precisión por consulta"), share(averageQueryPrecision)],
  ];
  if (singleObject !== null) {
    all.push(
      [both("class accuracy", "exactitud de clase"), share(singleObject.classAccuracy)],
      [both("mean overlap", "solape medio"), share(singleObject.meanIou)],
      [both("box error, px²", "error de la caja, px²"), singleObject.squaredErrorPx2.toFixed(0)],
    );
  }
  return html`<dl class="figures">${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function classTable({ perClass }: Evaluation): Html {
  const head = [
    both("class", "clase"),
    html`AP50`,
    html`AP50-95`,
    both("precision", "precisión"),
    both("recall", "exhaustividad"),
    both("objects", "objetos"),
  ].map((name) => html`<th scope="col">${name}</th>`);
  const rows = perClass.map(
    ({ name, ap50, ap, precision, recall, truths }) =>
      html`<tr><th scope="row">${name}</th>${[ap50, ap, precision, recall].map((value) => html`<td>${share(value)}</td>`)}<td>${truths}</td></tr>`,
  );
  return html`<div class="wide"><table class="classes"><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function curves({ curves, evaluation }: ReportContent): Html {
  const cards = evaluation.perClass.map(({ name, ap50, precision, recall }, c) => {
    const curve = curves[c];
    if (curve === null || curve === undefined) return "";
    const chart = curveChart({
      precision: curve,
      threshold: { precision, recall },
      title: `${name}: AP50 ${share(ap50)}`,
    });
    return html`<figure>${chart}<figcaption>${name} <small>AP50 ${share(ap50)}</small></figcaption></figure>`;
  });
  return html`<div class="cards curves">${cards}</div>`;
}

const MISTAKE_TITLES: Readonly<Record<MistakeKind, Html>> = {
  falseDetections: both("Seen where it is not", "Visto donde no está"),
  confusions: both("Taken for something else", "Tomado por otra cosa"),
  misses: both("Not seen", "No visto"),
};

function mistakes({ photos, mistakeCounts }: ReportContent): Html {
  const kinds = Object.keys(MISTAKE_TITLES) as MistakeKind[];
  const sections = kinds.map((kind) => {
    const count = mistakeCounts[kind];
    const title = html`<h2>${MISTAKE_TITLES[kind]}: ${count}</h2>`;
    return count === 0
      ? title
      : html`${title}<div class="cards" id="${kind}">${photos[kind].map((photo) => photoCard(kind, photo))}</div>`;
  });
  return html`<h2>${both("The worst mistakes", "Los peores errores")}</h2>
<p>${both(
    "Orange is what the model saw, turquoise with “=” what the labels say is there: now and then it is the label that is wrong. Ordered by how sure the model was; what was not seen, by its size.",
    "En naranja, lo que vio el modelo; en turquesa con «=», lo que dicen las etiquetas: a veces la errónea es la etiqueta. Ordenados por lo seguro que estaba el modelo; lo no visto, por tamaño.",
  )}</p>${sections}`;
}

function photoCard(kind: MistakeKind, photo: MistakePhoto): Html {
  const { src, file } = photo;
  return html`<figure><img src="${src}" alt="" loading="lazy"><figcaption>${captionOf(kind, photo)}<small>${file}</small></figcaption></figure>`;
}

function captionOf(kind: MistakeKind, { seen, truth = "", overlap = 0 }: MistakePhoto): Html {
  const answer = seen === undefined ? "" : `${seen.className} ${(100 * seen.score).toFixed(0)}%`;
  switch (kind) {
    case "falseDetections": {
      if (overlap === 0) return html`${answer}`;
      return html`${answer}, ${both("overlap with an object", "solape con un objeto")} ${overlap.toFixed(2)}`;
    }
    case "confusions":
      return html`${truth}, ${both("seen as", "visto como")} ${answer}`;
    case "misses": {
      if (seen === undefined) return html`${truth}`;
      return html`${truth}, ${both("below the threshold:", "por debajo del umbral:")} ${answer}`;
    }
  }
}

function share(value: number | null): string {
  return value === null ? "–" : value.toFixed(3);
}

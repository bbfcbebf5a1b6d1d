/**
 * A training run as one self-contained HTML page: curves and confusion matrix. The curves are a few polylines with two axes, drawn here: a
 * plotting library and the document that it needs outside of a browser would weigh a hundred times this package.
 */
import type { Evaluation } from './evaluate.js';
import type { Recipe } from './recipe.js';
import type { EpochMetrics } from './train.js';

export interface Report {
  readonly title: string;
  readonly recipe: Recipe;
  readonly history: readonly EpochMetrics[];
  /** Of the model as it was written. */
  readonly evaluation: Evaluation;
  readonly classes: readonly string[];
}

export function reportHtml({ evaluation, classes, ...run }: Report): string {
  return runHtml({
    ...run,
    reached: `Test accuracy ${percent(evaluation.top1)}, among the best five ${percent(evaluation.top5)}`,
    charts: {
      'Loss in training': { training: ({ trainLoss }) => trainLoss },
      Accuracy: { training: ({ trainAccuracy }) => trainAccuracy, test: ({ testAccuracy }) => testAccuracy },
    },
    results: `<h2>Confusion</h2>
<p>Test pictures of each class (rows) by the model's answer (columns).</p>
${confusionTable(evaluation, classes)}`,
  });
}

type Epoch = Pick<EpochMetrics, 'epoch' | 'learningRate' | 'seconds'>;

interface Run<Metrics extends Epoch> extends Pick<Report, 'title'> {
  readonly recipe: object;
  readonly history: readonly Metrics[];
  /** In a few words. */
  readonly reached: string;
  /** By title, curves by their names; without a number where there is none of an epoch. */
  readonly charts: Readonly<Record<string, Readonly<Record<string, (metrics: Metrics) => number | null>>>>;
  /** HTML between the curves and the recipe. */
  readonly results: string;
}

export function runHtml<Metrics extends Epoch>({ title, recipe, history, ...run }: Run<Metrics>): string {
  const charts = Object.entries({
    ...run.charts,
    'Learning rate': { 'at the end of the epoch': ({ learningRate }: Metrics) => learningRate },
  }).map(([title, curves]) =>
    chart(
      title,
      Object.entries(curves).map(([name, value]) => ({
        name,
        points: history.flatMap((metrics): [number, number][] => {
          const y = value(metrics);
          return y === null ? [] : [[metrics.epoch, y]];
        }),
      })),
    ),
  );
  const hours = history.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<h1>${escaped(title)}</h1>
<p>${run.reached}, after ${history.length} epochs and
${hours.toFixed(2)} hours.</p>
${charts.join('\n')}
${run.results}
<h2>Recipe</h2>
<pre>${escaped(JSON.stringify(recipe, undefined, 2))}</pre>
</html>
`;
}

interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 640;
const HEIGHT = 240;
const MARGIN = { left: 56, right: 8, top: 8, bottom: 28 };

/** Polylines over epochs; the vertical axis begins at 0. */
function chart(title: string, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const lastX = Math.max(2, ...points.map(([x]) => x));
  const yStep = niceStep(Math.max(...points.map(([, y]) => y), 0) / 4);
  const highest = yStep * Math.max(1, Math.ceil(Math.max(...points.map(([, y]) => y), 0) / yStep - 1e-9));
  const xAt = (x: number) => MARGIN.left + ((x - 1) / (lastX - 1)) * (WIDTH - MARGIN.left - MARGIN.right);
  const yAt = (y: number) => MARGIN.top + (1 - y / highest) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const yTicks = multiples(yStep, 0, highest).map(
    (y) => `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${yAt(y).toFixed(1)}" y2="${yAt(y).toFixed(1)}"/>
<text x="${MARGIN.left - 6}" y="${(yAt(y) + 4).toFixed(1)}" text-anchor="end">${Number(y.toPrecision(3))}</text>`,
  );
  const xTicks = multiples(Math.max(1, niceStep(lastX / 8)), 1, lastX).map(
    (x) => `<text x="${xAt(x).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="middle">${x}</text>`,
  );
  const lines = curves.map(({ points }, index) => {
    const path = points.map(([x, y]) => `${xAt(x).toFixed(1)},${yAt(y).toFixed(1)}`).join(' ');
    return `<polyline class="curve${index}" points="${path}"/>`;
  });
  const legend = curves.map(({ name }, index) => `<span class="key${index}">${escaped(name)}</span>`);
  return `<h2>${escaped(title)}</h2>
<p>${legend.join(' ')}</p>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)} by epoch">
${[...yTicks, ...xTicks, ...lines].join('\n')}
</svg>`;
}

/** The largest of 1, 2, 5, 10, … times a power of ten that is at most `step`; 1 for a step of 0. */
export function niceStep(step: number): number {
  if (!(step > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  return ([5, 2].find((factor) => factor * power <= step * (1 + 1e-9)) ?? 1) * power;
}

/** Whole multiples of a step from `first` to `last`; the first itself where none is. */
function multiples(step: number, first: number, last: number): number[] {
  const from = Math.ceil(first / step - 1e-9);
  const count = Math.floor(last / step + 1e-9) - from + 1;
  return Array.from({ length: count }, (_, i) => (from + i) * step);
}

/** The darker a cell, the larger its share of the row; what is wrong, and rare, five times as dark. */
function confusionTable({ confusion, perClass }: Evaluation, classes: readonly string[]): string {
  const head = classes.map((name) => `<th scope="col">${escaped(name)}</th>`).join('');
  const rows = confusion.map((row, label) => {
    const count = Math.max(
      1,
      row.reduce((sum, value) => sum + value, 0),
    );
    const cells = row.map((value, answer) => {
      const kind = answer === label ? 'right' : 'wrong';
      return `<td class="${kind}" style="--share:${((100 * value) / count).toFixed(1)}%">${value}</td>`;
    });
    const name = classes[label];
    const correct = Object.hasOwn(perClass, name) ? percent(perClass[name]) : '';
    return `<tr><th scope="row">${escaped(name)}</th>${cells.join('')}<td>${correct}</td></tr>`;
  });
  return `<table>
<tr><td></td>${head}<th scope="col">right</th></tr>
${rows.join('\n')}
</table>`;
}

export const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const STYLE = `
:root { color-scheme: light dark; --first: light-dark(#1f5fbf, #7db0ff); --second: light-dark(#b8500f, #ffa766); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; font-size: 11px; fill: currentColor; }
svg line { stroke: currentColor; opacity: 0.2; }
polyline { fill: none; stroke-width: 2; }
.curve0 { stroke: var(--first); } .key0 { color: var(--first); }
.curve1 { stroke: var(--second); } .key1 { color: var(--second); }
table { border-collapse: collapse; font-size: 12px; }
th, td { padding: 3px 6px; text-align: right; }
.right { background: color-mix(in srgb, var(--first) calc(0.6 * var(--share)), transparent); }
.wrong { background: color-mix(in srgb, var(--second) min(60%, 3 * var(--share)), transparent); }
`;

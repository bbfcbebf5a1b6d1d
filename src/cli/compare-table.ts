/** A comparison as a table for people and as JSON for programs. */
import type { Rounding } from '../layers/int8/index.js';
import type { Network } from '../network/index.js';
import { showType } from '../network/quantized-network.js';
import { HISTOGRAM_EDGES } from '../oracle/difference.js';
import type { Cause, Difference, Explanation, LayerReport, Precision, Report, Verdict } from '../oracle/index.js';
import { looksLikeNchw } from '../oracle/layouts.js';
import type { Matched } from '../oracle/names.js';
import type { TensorType } from '../tensor.js';
import { harmless, shortened } from './display.js';
import { formatCount, listed } from './output.js';
import { type TableColumn, textTable } from './table.js';

export interface Context {
  /** What was compared, in words: the first fields of the JSON. */
  readonly head: Readonly<Record<string, string>>;
  readonly network: Network;
  readonly matched: Pick<Matched, 'theirNames' | 'unmatched'>;
  readonly precision: Precision;
  /** Of integers, which have no bounds. */
  readonly rounding?: Rounding;
  /** Why the first wrong layer is wrong, as far as that can be said. */
  readonly explanation?: Explanation;
  /** Why layers were not isolated, where nobody asked for that. */
  readonly accumulatedBecause?: string;
  /** Rows of this verdict alone. */
  readonly only?: Verdict;
}

export function asText(report: Report, context: Context): string {
  const { network, precision, rounding } = context;
  const mode = report.mode === 'fed' ? 'fed with golden outputs' : report.mode;
  const bounds = `bounds for ${precision.name}${precision.flushesToZero ? ', flushing to zero' : ''}`;
  const head = `${network.name}, ${mode}, ${rounding ? `integers rounded as '${rounding}'` : bounds}`;
  const listed = report.layers.filter(({ verdict }) => isListed(verdict, context.only));
  const rows = listed.map((layer) => columns.map(({ text }) => text(layer)));
  const table = rows.length > 0 ? [textTable(columns, rows), ''] : [];
  return [harmless(head), '', ...table, ...conclusion(report, context).map(harmless)].join('\n');
}

/** A wrong shape counts as beyond. */
export const isListed = (verdict: Verdict, only: Verdict | undefined): boolean =>
  only === undefined || verdict === only || (only === 'beyond' && verdict === 'wrong shape');

interface Column extends TableColumn {
  readonly text: (layer: LayerReport) => string;
}

export const columns: readonly Column[] = [
  { title: 'layer', align: 'left', text: ({ name }) => brief(name) },
  { title: 'kind', align: 'left', spare: 5, text: ({ kind }) => kind },
  { title: 'verdict', align: 'left', text: ({ verdict }) => verdict },
  {
    title: 'off by',
    align: 'right',
    text: ({ difference, type }) => (difference ? distance(offBy(difference), type) : ''),
  },
  { title: '/ bound', align: 'right', text: ({ difference, type }) => (difference ? share(difference, type) : '') },
  {
    title: 'at',
    align: 'left',
    spare: 1,
    text: ({ difference }) => (differs(difference) ? `[${difference.worst.coordinate}]` : ''),
  },
  {
    title: 'theirs',
    align: 'right',
    spare: 2,
    text: ({ difference }) => (differs(difference) ? long(difference.worst.theirs) : ''),
  },
  {
    title: 'reference',
    align: 'right',
    spare: 3,
    text: ({ difference }) => (differs(difference) ? long(difference.worst.reference) : ''),
  },
  {
    title: 'NaN, ∞',
    align: 'right',
    spare: 6,
    text: ({ difference }) => (difference ? `${difference.nan}, ${difference.infinite}` : ''),
  },
  {
    title: 'cosine',
    align: 'right',
    spare: 4,
    text: ({ difference }) => (difference ? difference.cosine.toFixed(6) : ''),
  },
];

/** Names in .tflite files list all that was fused. */
const brief = (name: string): string => shortened(name, 44);

type Its = LayerReport['difference'];

/** Of the element that the row is about, the one that uses most of its bound. NaN is infinitely far from numbers. */
function offBy({ maxAbs, worst: { theirs, reference } }: Difference): number {
  const far = maxAbs === 0 ? 0 : Math.abs(theirs - reference);
  return Number.isNaN(far) ? Infinity : far;
}
const differs = (difference: Its): difference is NonNullable<Its> => difference !== undefined && difference.maxAbs > 0;

const isInteger = (type: TensorType | undefined): boolean => type !== undefined && typeof type !== 'string';

/** Integers are whole numbers apart, and nothing is allowed to be. */
const distance = (far: number, type: TensorType | undefined): string =>
  isInteger(type) ? String(far) : scientific(far);
const share = ({ maxUnits, worst }: Difference, type: TensorType | undefined): string =>
  short(isInteger(type) && worst.bound === 0 && maxUnits > 0 ? Infinity : maxUnits);

/** One notation for a column of numbers of all sizes. */
function scientific(value: number): string {
  if (value === 0) return '0';
  return Number.isFinite(value) ? value.toExponential(2) : '∞';
}

function short(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return value === 0 ? '0' : '∞';
  return value >= 1e-3 && value < 1e6 ? value.toPrecision(3) : value.toExponential(2);
}
const long = (value: number): string => `${Number(value.toPrecision(8))}`;

function conclusion({ layers, first, worst, notShown, notJudged, undecided }: Report, context: Context): string[] {
  const { matched, explanation, accumulatedBecause, precision, rounding } = context;
  const lines: string[] = [];
  if (worst && worst.layer.difference!.maxUnits > 0 && !isInteger(worst.layer.type))
    lines.push(...histogramLines(worst.layer), '');
  if (accumulatedBecause) lines.push(accumulatedBecause);
  if (notShown.length > 0) lines.push(`Not shown, judged together with the next: ${listed(notShown.map(brief))}.`);
  if (notJudged.length > 0) {
    lines.push(`Not shown, nor anything behind them, and so not judged: ${listed(notJudged.map(brief))}.`);
  }
  if (matched.unmatched.length > 0)
    lines.push(`Theirs without a layer of ours: ${listed(matched.unmatched.map(brief))}.`);
  const count = (verdict: string): number => layers.filter((layer) => layer.verdict === verdict).length;
  const wrong = count('beyond') + count('wrong shape');
  const open = undecided ? `, ${count('not decided')} not decided` : '';
  lines.push(`${count('exact')} exact, ${count('within rounding')} within rounding, ${wrong} beyond${open}.`);
  if (undecided) {
    lines.push(
      `Not decided from ${brief(undecided.name)} on: the bound exceeds the numbers, so that wrong ones would pass.`,
    );
  }
  if (first) lines.push(`First wrong: ${blame(first)}`);
  if (explanation)
    lines.push(...causeLines(explanation, rounding ? undefined : precision.name), ...explanation.patterns);
  return lines;
}

function causeLines({ cause, others, atPrecision }: Explanation, name: string | undefined): string[] {
  const lines = [inWords(cause, name, atPrecision?.name)];
  for (const other of others) lines.push(`${brief(other.name)}: ${inWords(other.cause, name)}`);
  if (cause.place) lines.unshift(`${cause.place}.`);
  if (atPrecision === undefined) return lines;
  if (atPrecision.first === undefined) return [...lines, 'So does every other layer.'];
  lines.push(`With bounds for ${atPrecision.name} the first wrong layer is ${atPrecision.first}.`);
  if (atPrecision.cause) lines.push(inWords(atPrecision.cause, atPrecision.name));
  return lines;
}

/** A cause in a sentence, with what to do about it. `stated` and `fitting` are precisions: the given one, none for integers, and the one that fits best. */
export function inWords(
  { mistakes, shownAs, precisions }: Cause,
  stated: string | undefined,
  fitting = precisions?.[0],
): string {
  if (mistakes.length === 1) return `A known mistake gives these numbers: ${mistakes[0]}.`;
  if (mistakes.length > 1) return `Any of these mistakes gives these numbers: ${mistakes.join('; ')}.`;
  if (shownAs) return `Its numbers are those of ${shownAs}: if that is what it is, say so with --names.`;
  if (fitting)
    return `It fits ${fitting}, not ${stated}: if that is how it computes, say so with --precision ${fitting}.`;
  return `No known mistake${stated ? ' and no lower precision' : ''} gives these numbers.`;
}

/** What is wrong with a layer, or not decided, in a sentence. */
export function blame({ name, found, shape, type, difference }: LayerReport): string {
  if (difference === undefined) {
    const advice = looksLikeNchw(found!, shape) ? '; it looks like NCHW: --layout nchw' : '';
    return `${name} has the shape [${found}], wanted [${shape}]${advice}.`;
  }
  const { coordinate, theirs, reference, bound } = difference.worst;
  if (isInteger(type)) {
    const far = `off by ${long(Math.abs(theirs - reference))}`;
    return `${name}[${coordinate}]: theirs ${theirs}, reference ${reference}, ${far}, of ${showType(type!)}.`;
  }
  return `${name}[${coordinate}]: theirs ${theirs}, reference ${reference}, off by ${short(Math.abs(theirs - reference))}, allowed ${short(bound)}.`;
}

const WIDEST = 40;

/** How much of their bounds the worst layer's elements use. */
function histogramLines({ name, difference }: LayerReport): string[] {
  const { histogram } = difference!;
  const most = Math.max(...histogram);
  const bars = histogram.map((count, bin) => {
    const bar = '█'.repeat(Math.ceil((WIDEST * count) / most));
    return `  ${labels[bin].padStart(9)}  ${formatCount(count).padStart(9)}  ${bar}`.trimEnd();
  });
  return [`${brief(name)}, its elements by their share of the bound:`, ...bars];
}

const labels = HISTOGRAM_EDGES.map((edge, bin) => {
  if (edge === 0) return 'equal';
  if (edge === Infinity) return `> ${HISTOGRAM_EDGES[bin - 1]}`;
  return edge < 1 ? `≤ 2^${Math.log2(edge)}` : `≤ ${edge}`;
});

/** Numbers that JSON does not have, NaN and the infinities, become texts. */
export function asJson(report: Report, { head, network, matched, precision, rounding, explanation }: Context): unknown {
  const { mode, layers, first, undecided, notShown, notJudged } = report;
  const plain = (value: unknown): unknown => {
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, its]) => [key, plain(its)]));
  };
  return plain({
    ...head,
    network: network.name,
    mode,
    precision: rounding ? null : precision.name,
    ...(rounding && { rounding }),
    verdict: report.verdict,
    first: first?.name ?? null,
    undecided: undecided?.name ?? null,
    cause: explanation ? { ...explanation.cause, atPrecision: explanation.atPrecision } : null,
    otherCauses: explanation?.others ?? [],
    patterns: explanation?.patterns ?? [],
    histogramEdges: HISTOGRAM_EDGES,
    layers: layers.map(({ difference, ...layer }) => ({
      ...layer,
      theirName: matched.theirNames.get(layer.name),
      ...difference,
      verdict: layer.verdict,
    })),
    notShown,
    notJudged,
    unmatched: matched.unmatched,
  });
}

/**
 * Why a layer is wrong: the layer computed again as backends with known mistakes would, or in other precisions, until the numbers are the
 * backend's. What is named has passed the same bounds as a right layer would.
 */
import { isElementwise } from '../layers/layer.js';
import type { Network } from '../network/index.js';
import { layerOf } from '../network/shapes.js';
import { coordinateOf, type Shape, sameShape, sizeOf, type Tensor, toFloat64 } from '../tensor.js';
import { difference, unitsOf } from './difference.js';
import { mapTensor } from './estimate.js';
import { shownTensor } from './estimate-network.js';
import { mistakesOf } from './mistakes/index.js';
import { constantIn, plainMistakes } from './mistakes/plain.js';
import { allRepresentable, type Precision, type PrecisionName, precisionOf, roundoff } from './precision.js';
import type { LayerReport } from './report.js';
import { estimateOf, judgeSegment, outputShapeOf, type Segment, segmentOf, withNext } from './segment.js';

export interface Cause {
  /** Mistakes under which the layer's numbers are the backend's; several where they come to the same here. */
  readonly mistakes: readonly string[];
  /** The later layer whose numbers these are: the backend has fused it, and shows it under this name. */
  readonly shownAs?: string;
  /** Where no mistake explains the numbers: the less precise ways of computing that do, the likeliest first. */
  readonly precisions?: readonly PrecisionName[];
  /** Where in the tensor the wrong numbers are: '12 of 4096 numbers are wrong, all of them in channel 3'. */
  readonly place?: string;
}

export interface CauseOptions {
  readonly precision: Precision;
  readonly allowance?: number;
}

/** Segments of more layers are not computed again: too much could be wrong in them. */
const MOST_LAYERS = 12;
const MOST_MISTAKES = 3;

/**
 * Explains the report's first wrong layer. `fed` are the tensors that the backend's layers were fed, its own or, if it was fed them, the
 * golden ones; network inputs among them. `theirs` is what it shows as the layer.
 */
export function causeOf(
  network: Network,
  fed: ReadonlyMap<string, Tensor>,
  first: Pick<LayerReport, 'name' | 'kind'>,
  theirs: Tensor,
  { precision, allowance = 1 }: CauseOptions,
): Cause {
  if (first.kind === 'input') return causeOfInput(fed.get(first.name)!, theirs, precision);
  const segment = segmentOf(network, first.name, fed);
  if (segment.network.nodes.length > MOST_LAYERS) return { mistakes: [...constantIn(theirs)] };
  const place = placeOf(segment, theirs, precision, allowance);
  const found = { ...(place && { place }) };
  const fits = (other: Segment, tensor: Tensor, its: Precision): boolean => explains(other, tensor, its, allowance);
  const shownAs = laterLayer(segment, network, (longer) => fits(longer, theirs, precision));
  if (shownAs !== undefined) return { mistakes: [], shownAs, ...found };
  const mistakes: string[] = [];
  for (const { what, segment: wrong, undo } of mistakesOf(segment)) {
    if (fits(wrong, undo ? undo(theirs) : theirs, precision)) mistakes.push(what);
    if (mistakes.length === MOST_MISTAKES) break;
  }
  if (mistakes.length === 0 && sameShape(outputShapeOf(segment), theirs.shape))
    mistakes.push(...plainMistakes(theirs, estimateOf(segment, precision), allowance));
  if (mistakes.length > 0) return { mistakes, ...found };
  return {
    mistakes,
    ...likely(
      lowerPrecisions(precision).filter((its) => fits(segment, theirs, its)),
      theirs,
    ),
    ...found,
  };
}

/** Whether the segment's output, to within its bounds, is this tensor; bounds that exceed the numbers explain nothing. */
function explains(segment: Segment, theirs: Tensor, precision: Precision, allowance: number): boolean {
  try {
    if (!sameShape(outputShapeOf(segment), theirs.shape)) return false;
  } catch {
    return false; // The mistaken layer does not fit its input: no backend computes that.
  }
  const { verdict, loose } = judgeSegment(segment, theirs, precision, allowance);
  return (verdict === 'within rounding' || verdict === 'exact') && !loose;
}

/** Of the layers that a backend may have fused with this one, the one whose output fits. */
function laterLayer(segment: Segment, network: Network, fits: (longer: Segment) => boolean): string | undefined {
  for (let longer = withNext(segment, network); longer !== undefined; longer = withNext(longer, network)) {
    const next = longer.network.nodes.at(-1)!;
    if (!isElementwise(layerOf(next))) return undefined;
    if (fits(longer)) return next.name;
  }
  return undefined;
}

/** From the most precise on: those that round more than the stated one. */
const byPrecision: readonly PrecisionName[] = [
  'float32',
  'tf32',
  'mixed-float16',
  'mixed-bfloat16',
  'float16',
  'bfloat16',
];

const lowerPrecisions = ({ name, flushesToZero }: Precision): Precision[] =>
  byPrecision.slice(byPrecision.indexOf(name) + 1).map((other) => precisionOf(other, { flushesToZero }));

/** Those first that store numbers as the backend's are: in the fewest bits that hold them all. Then the more precise ones. */
function likely(fitting: readonly Precision[], theirs: Tensor): Pick<Cause, 'precisions'> {
  if (fitting.length === 0) return {};
  const formats = (['bfloat16', 'float16', 'float32'] as const).map((name) => precisionOf(name).stored);
  const { bits } = formats.find((format) => allRepresentable(toFloat64(theirs), format)) ?? formats[2];
  const stored = fitting.filter((its) => its.stored.bits === bits);
  const others = fitting.filter((its) => its.stored.bits !== bits);
  return { precisions: [...stored, ...others].map(({ name }) => name) };
}

function causeOfInput(given: Tensor, theirs: Tensor, precision: Precision): Cause {
  if (!sameShape(given.shape, theirs.shape)) return { mistakes: [] };
  const mistakes = inputMistakes(given, theirs, precision);
  if (mistakes.length === 0) mistakes.push(...plainMistakes(theirs, shownTensor(given, precision), 1));
  if (mistakes.length > 0) return { mistakes };
  const fits = (its: Precision): boolean =>
    difference(theirs, given, shownTensor(given, its).error).verdict !== 'beyond';
  return { mistakes, ...likely(lowerPrecisions(precision).filter(fits), theirs) };
}

/** What pictures are mistaken for; compared with some roundings of slack, since the backend computed this too. */
function inputMistakes(given: Tensor, theirs: Tensor, { stored }: Precision): string[] {
  const { shape } = given;
  const last = shape[shape.length - 1];
  const at = (index: readonly number[]): number =>
    given.data[index.reduce((sum, value, axis) => sum * shape[axis] + value, 0)];
  const moved = (from: (at: number[]) => number[]): Tensor =>
    mapTensor(given, (_, i) => at(from(coordinateOf(shape, i))));
  const scaled = (scale: (x: number) => number): Tensor => mapTensor(given, scale);
  const isPicture = shape.length === 4;
  const candidates: Readonly<Record<string, Tensor | undefined>> = {
    'red and blue swapped': isPicture && last === 3 ? moved(([n, y, x, c]) => [n, y, x, 2 - c]) : undefined,
    'height and width swapped': isPicture && shape[1] === shape[2] ? moved(([n, y, x, c]) => [n, x, y, c]) : undefined,
    'upside down': isPicture ? moved(([n, y, x, c]) => [n, shape[1] - 1 - y, x, c]) : undefined,
    mirrored: isPicture ? moved(([n, y, x, c]) => [n, y, shape[2] - 1 - x, c]) : undefined,
    'from 0 to 1 in place of −1 to 1': scaled((x) => (x + 1) / 2),
    'from −1 to 1 in place of 0 to 1': scaled((x) => 2 * x - 1),
    'from 0 to 255 in place of −1 to 1': scaled((x) => (x + 1) * 127.5),
    'from 0 to 255 in place of 0 to 1': scaled((x) => x * 255),
    'from 0 to 1 in place of 0 to 255': scaled((x) => x / 255),
  };
  return Object.entries(candidates).flatMap(([what, x]) => {
    if (x === undefined) return [];
    let largest = 0;
    for (const value of x.data) largest = Math.max(largest, Math.abs(value));
    const slack = 4 * roundoff(stored) * largest;
    const isIt = theirs.data.every((value, i) => Math.abs(value - x.data[i]) <= slack);
    return isIt ? [what] : [];
  });
}

/** Where the wrong numbers are, if not everywhere: along each axis, whether they keep to a part of it. */
function placeOf(segment: Segment, theirs: Tensor, precision: Precision, allowance: number): string | undefined {
  const { value, error } = estimateOf(segment, precision);
  if (!sameShape(value.shape, theirs.shape)) return undefined;
  const bound = error.data.map((e) => e * allowance);
  const units = unitsOf(theirs.data, value.data, bound);
  return placeOfWrong(value.shape, (i) => units[i] > 1);
}

/** Where they are, if neither nowhere nor everywhere. */
export function placeOfWrong(shape: Shape, isWrong: (index: number) => boolean): string | undefined {
  const size = sizeOf(shape);
  const wrong: number[] = [];
  for (let i = 0; i < size; i++) if (isWrong(i)) wrong.push(i);
  if (wrong.length === 0 || wrong.length === size) return undefined;
  const parts = partsOf(shape, wrong);
  const count = `${wrong.length} of ${size} numbers ${wrong.length === 1 ? 'is' : 'are'} wrong`;
  return parts.length > 0 ? `${count}, all in ${parts.join(', ')}` : count;
}

const axisNames: Readonly<Record<number, readonly string[]>> = {
  2: ['picture', 'channel'],
  4: ['picture', 'row', 'column', 'channel'],
};

function partsOf(shape: Shape, wrong: readonly number[]): string[] {
  const names = axisNames[shape.length];
  if (names === undefined) return [];
  const seen = shape.map(() => new Set<number>());
  for (const index of wrong) for (const [axis, at] of coordinateOf(shape, index).entries()) seen[axis].add(at);
  return names.flatMap((name, axis) => {
    const size = shape[axis];
    const places = [...seen[axis]].sort((a, b) => a - b);
    if (size === 1 || places.length === size) return [];
    const [least, most] = [places[0], places[places.length - 1]];
    if (least === most) return [`${name} ${least} of 0 to ${size - 1}`];
    if (most - least + 1 === places.length) return [`${name}s ${least} to ${most} of 0 to ${size - 1}`];
    return places.length <= 4 ? [`${name}s ${places.join(', ')} of 0 to ${size - 1}`] : [];
  });
}

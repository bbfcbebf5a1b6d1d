/** What TensorFlow's operators mean, in its graphs as in .tflite files, as steps. `op` names the operator in errors. */
import { type Shape, type Tensor, withSize } from '../tensor.js';
import { type Affine, affineNorm } from './affine.js';
import { type Charge, type Part, repeated, type Step } from './steps.js';

interface Operator {
  fail(what: string): never;
  readonly charge: Charge;
}

/** A product or sum with a constant: one number, or one for each channel. */
export function affineStep(shape: Shape, constant: Tensor, formula: Affine, op: Operator): Step {
  if (shape.length < 2 || !isForChannels(constant, shape)) {
    op.fail(`its constant of [${constant.shape}] does not fit [${shape}]; wanted one number, or one for each channel`);
  }
  return { kind: 'batchNorm', ...affineNorm(shape.at(-1)!, constant.data, formula, op.charge) };
}

/** What a leaky ReLU multiplies numbers below 0 by. */
export function slopesOf(shape: Shape, slopes: Tensor, op: Operator): number[] {
  if (isForChannels(slopes, shape)) return Array.from(slopes.data);
  return op.fail(`its slopes [${slopes.shape}] do not fit [${shape}]; wanted one, or one for each channel`);
}

const isForChannels = ({ shape, data }: Tensor, of: Shape): boolean =>
  data.length === 1 || (data.length === of.at(-1) && shape.at(-1) === data.length);

/** The larger or smaller of each number and a constant. */
export function clampStep(bound: Tensor, rangeOf: (bound: number) => { min: number; max: number }, op: Operator): Step {
  if (bound.data.length !== 1) op.fail(`compares with a constant of [${bound.shape}]; wanted one number`);
  return { kind: 'clamp', attributes: rangeOf(bound.data[0]) };
}

/** Throws for a reduction of other axes than height and width. */
export function expectOverPicture(shape: Shape, stated: readonly number[], op: Operator): void {
  const axes = stated.map((axis) => (axis < 0 ? axis + shape.length : axis));
  if (shape.length === 4 && axes.length === 2 && axes.includes(1) && axes.includes(2)) return;
  op.fail(`reduces the axes [${axes}] of [${shape}]; wanted height and width, [1,2]`);
}

/** Axes of size 1 may change places. */
export function transposeStep(shape: Shape, order: readonly number[], op: Operator): Step {
  const moved = order.filter((axis) => shape[axis] !== 1);
  const stays = order[0] === 0 && moved.every((axis, index) => index === 0 || axis > moved[index - 1]);
  if (!stays) op.fail(`reorders the axes of [${shape}] to [${order}]; no layer moves numbers so`);
  return { kind: 'reshape', attributes: { shape: order.slice(1).map((axis) => shape[axis]) } };
}

export interface ResizeSwitches {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

export function resizeBilinearStep(size: readonly number[], switches: ResizeSwitches, op: Operator): Step {
  const { alignCorners, halfPixelCenters } = switches;
  if (size.length !== 2) op.fail(`wanted a size of [height, width], found [${size}]`);
  if (alignCorners && halfPixelCenters)
    op.fail('has both align_corners and half_pixel_centers, which exclude each other');
  const rule = alignCorners ? 'tf1-align-corners' : halfPixelCenters ? 'half-pixel' : 'tf1-legacy';
  return { kind: 'resizeBilinear', attributes: { size: [size[0], size[1]], rule } };
}

/** Enlarged by whole numbers: each pixel several times. */
export function resizeNearestSteps(shape: Shape, size: readonly number[], alignCorners: boolean, op: Operator): Step[] {
  const times = [size[0] / shape[1], size[1] / shape[2]] as const;
  if (alignCorners || shape.length !== 4 || !times.every((n) => Number.isInteger(n) && n >= 1)) {
    op.fail(
      `resizes [${shape}] to [${size}] by the nearest pixel${alignCorners ? ' with align_corners' : ''}; wanted whole multiples of its height and width`,
    );
  }
  const steps = repeated(times);
  op.charge(4 * (times[0] + times[1]));
  return steps;
}

/** [before, after] of the batch, height, width and channels. Throws for padding of the batch. */
export function paddedSides(shape: Shape, sides: readonly number[], op: Operator) {
  const [beforeBatch, afterBatch, top, bottom, left, right, beforeChannels, afterChannels] = sides;
  if (sides.length !== 8 || beforeBatch || afterBatch || sides.some((size) => size < 0)) {
    op.fail(`pads [${shape}] by [${sides}]; wanted padding of height, width and channels only`);
  }
  return { picture: { top, bottom, left, right }, channels: [beforeChannels, afterChannels] } as const;
}

/** The numbers from `begins` up to `ends`, without these, every `strides`-th: what is left out along each axis. */
export function partsOf(
  shape: Shape,
  begins: readonly number[],
  ends: readonly number[],
  strides: readonly number[],
  op: Operator,
): Part[] {
  return shape.flatMap((side, axis) => {
    const [from, end, step = 1] = [begins[axis], ends[axis], strides[axis]];
    if (!(from >= 0 && from < end && end <= side)) {
      op.fail(`takes [${begins}] to [${ends}] of [${shape}]; wanted a part that lies inside and is not empty`);
    }
    const count = Math.ceil((end - from) / step);
    if (count === side) return [];
    if (axis === 0) op.fail(`takes [${begins}] to [${ends}] of [${shape}]; the batch has to stay`);
    return [{ axis, from, count, step }];
  });
}

/** Of TensorFlow's Slice: sizes in place of ends, of which −1 is all that is left. */
export const endsOf = (shape: Shape, begins: readonly number[], sizes: readonly number[]): number[] =>
  shape.map((side, axis) => (sizes[axis] === -1 ? side : begins[axis] + sizes[axis]));

type Mask = 'begin_mask' | 'end_mask' | 'shrink_axis_mask' | 'ellipsis_mask' | 'new_axis_mask';

/**
 * As Python's x[begin:end:stride], with bits that say of which axes begin or end is to be ignored, and which axes go: the parts, and the sizes behind the
 * batch where axes go.
 */
export function stridedSlice(
  shape: Shape,
  [begin, end, strides]: readonly (readonly number[])[],
  mask: (name: Mask) => number,
  op: Operator,
): { parts: Part[]; sizes: Shape | undefined } {
  if (mask('ellipsis_mask') !== 0 || mask('new_axis_mask') !== 0 || strides.some((step) => step < 1)) {
    op.fail(
      `slices [${shape}] in steps of [${strides}], with an ellipsis or a new axis; wanted steps of 1 or more alone`,
    );
  }
  const axesIn = (name: Mask) => {
    const bits = mask(name);
    return (axis: number): boolean => (bits & (1 << axis)) !== 0;
  };
  const [noBegin, noEnd, goes] = [axesIn('begin_mask'), axesIn('end_mask'), axesIn('shrink_axis_mask')];
  const bound = (at: number, side: number): number => Math.min(Math.max(at < 0 ? at + side : at, 0), side);
  const begins = shape.map((side, axis) => (noBegin(axis) ? 0 : bound(begin[axis] ?? 0, side)));
  const ends = shape.map((side, axis) => {
    if (goes(axis)) return begins[axis] + 1;
    return noEnd(axis) ? side : bound(end[axis] ?? side, side);
  });
  const parts = partsOf(shape, begins, ends, strides, op);
  if (goes(0)) op.fail(`takes one of a batch of ${shape[0]}; the batch has to stay`);
  const cut = parts.reduce((sizes, { axis, count }) => withSize(sizes, axis, count), shape);
  const kept = cut.filter((_, axis) => !goes(axis));
  return { parts, sizes: kept.length < cut.length ? kept.slice(1) : undefined };
}

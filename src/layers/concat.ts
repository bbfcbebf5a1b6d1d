/**
 * Joins tensors along one axis, in the order given; all other sizes must agree.
 *
 *   y[…, offset_p + a, …] = x_p[…, a, …],   offset_p the sum of the sizes along the axis of x_1 … x_{p−1}
 *
 * Backward, to each input its own piece:
 *
 *   dx_p[…, a, …] = dy[…, offset_p + a, …]
 */
import { LARGEST_RANK, wholeNumber } from '../checks.js';
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf, withSize } from '../tensor.js';
import { listed } from './expect.js';
import { defineBackward, defineLayer } from './layer.js';

export interface ConcatAttributes {
  /** Counted from the front; negative from the back, so that −1 is the channels, the default. */
  readonly axis?: number;
}

export const concat = /* @__PURE__ */ defineLayer<ConcatAttributes>('concat', {
  attributes: { axis: /* @__PURE__ */ wholeNumber(-LARGEST_RANK, LARGEST_RANK - 1) },
  defaults: { axis: -1 },
  takes: 'several',
  outputShape(inputs, attributes) {
    if (inputs.length < 1) throw new ShapeError('concat: takes one or more inputs, found 0');
    const axis = axisOf(inputs[0], attributes);
    const agree = (shape: Shape) =>
      shape.length === inputs[0].length && shape.every((size, at) => at === axis || size === inputs[0][at]);
    if (!inputs.every(agree)) {
      throw new ShapeError(`concat: the inputs may differ along axis ${axis} only, found ${listed(inputs)}`);
    }
    const joined = inputs.reduce((sum, shape) => sum + shape[axis], 0);
    return withSize(inputs[0], axis, joined);
  },
  compute(y, inputs, _, attributes) {
    const axis = axisOf(y.shape, attributes);
    const blocks = sizeOf(y.shape.slice(0, axis));

    let offset = 0;
    for (let block = 0; block < blocks; block++) {
      for (const { shape, data } of inputs) {
        const size = sizeOf(shape.slice(axis));
        y.data.set(data.subarray(block * size, (block + 1) * size), offset);
        offset += size;
      }
    }
  },
});

export function axisOf({ length: rank }: Shape, { axis }: Required<ConcatAttributes>): number {
  if (axis < -rank || axis >= rank) {
    throw new ShapeError(`concat: axis must be a whole number from ${-rank} to ${rank - 1}, found ${axis}`);
  }
  return axis < 0 ? axis + rank : axis;
}

export const backward = /* @__PURE__ */ defineBackward(concat, (dy, inputs, _, attributes) => {
  const axis = axisOf(dy.shape, attributes);
  const blocks = sizeOf(dy.shape.slice(0, axis));
  const gradients = inputs.map(({ data }) => new Float64Array(data.length));

  let offset = 0;
  for (let block = 0; block < blocks; block++) {
    for (const [p, { shape }] of inputs.entries()) {
      const size = sizeOf(shape.slice(axis));
      gradients[p].set(dy.data.subarray(offset, offset + size), block * size);
      offset += size;
    }
  }
  return [gradients];
});

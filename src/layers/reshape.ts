/** Other sizes for the same numbers in the same order, as are their gradients. The batch stays; `shape` gives the sizes after it. */
import { type Check, LARGEST_RANK, listOf, positive } from '../checks.js';
import { ShapeError } from '../errors.js';
import { type Shape, sizeOf } from '../tensor.js';
import { defineBackward, defineLayer } from './layer.js';

export interface ReshapeAttributes {
  /** Sizes after the batch; one of them may be −1 and is then worked out from the others. */
  readonly shape: Shape;
}

const sizeOrRest: Check<number> = (value, at) => (value === -1 ? -1 : positive(value, at));

export const reshape = /* @__PURE__ */ defineLayer<ReshapeAttributes>('reshape', {
  attributes: { shape: /* @__PURE__ */ listOf(sizeOrRest, 0, LARGEST_RANK - 1) },
  inPlace: true,
  copies: true,
  outputShape([x], { shape }) {
    if (x.length < 1) throw new ShapeError('reshape: wanted an input of shape [batch, ...], found []');
    const [batch, ...sizes] = x;
    const open = shape.filter((size) => size === -1).length;
    if (open > 1) throw new ShapeError(`reshape: at most one of the sizes may be -1, found [${shape}]`);
    const rest = sizeOf(sizes) / sizeOf(shape.filter((size) => size !== -1));
    if (open === 1 ? !Number.isInteger(rest) : rest !== 1) {
      throw new ShapeError(`reshape: the ${sizeOf(sizes)} numbers of [${sizes}] do not fit into [${shape}]`);
    }
    return [batch, ...shape.map((size) => (size === -1 ? rest : size))];
  },
  compute(y, [x]) {
    y.data.set(x.data);
  },
});

export const backward = /* @__PURE__ */ defineBackward(reshape, (dy) => [[dy.data]]);

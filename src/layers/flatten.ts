/** Everything after the batch in one axis: [N, H, W, C] becomes [N, H·W·C], the numbers in the same order, as are their gradients. */
import { ShapeError } from '../errors.js';
import { sizeOf } from '../tensor.js';
import { defineBackward, defineLayer, type NoAttributes } from './layer.js';

export const flatten = /* @__PURE__ */ defineLayer<NoAttributes>('flatten', {
  attributes: {},
  inPlace: true,
  copies: true,
  outputShape([x]) {
    if (x.length < 1) throw new ShapeError('flatten: wanted an input of shape [batch, ...], found []');
    return [x[0], sizeOf(x.slice(1))];
  },
  compute(y, [x]) {
    y.data.set(x.data);
  },
});

export const backward = /* @__PURE__ */ defineBackward(flatten, (dy) => [[dy.data]]);

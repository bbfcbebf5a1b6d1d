/**
 * Sum of two or more tensors of the same shape, the shortcut of the residual blocks (Fig. 4d of arXiv:1801.04381):
 *
 *   y = x₁ + x₂ + …
 *
 * Backward, the whole gradient to each, which is how it reaches the layers below a block undiminished:
 *
 *   dx₁ = dx₂ = … = dy
 */
import { ShapeError } from '../errors.js';
import { sameShape } from '../tensor.js';
import { listed } from './expect.js';
import { defineBackward, defineLayer, type NoAttributes } from './layer.js';

export const add = /* @__PURE__ */ defineLayer<NoAttributes>('add', {
  attributes: {},
  takes: 'several',
  elementwise: true,
  outputShape(inputs) {
    if (inputs.length < 2) throw new ShapeError(`add: takes two or more inputs, found ${inputs.length}`);
    if (!inputs.every((shape) => sameShape(shape, inputs[0]))) {
      throw new ShapeError(`add: the inputs must have the same shape, found ${listed(inputs)}`);
    }
    return inputs[0];
  },
  compute(y, inputs) {
    for (let i = 0; i < y.data.length; i++) {
      let sum = 0;
      for (const x of inputs) sum += x.data[i];
      y.data[i] = sum;
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(add, (dy, inputs) => [inputs.map(() => dy.data)]);

/**
 * Product of two tensors, number by number. Along an axis where one of them has size 1, its numbers are repeated: so is the gate of a
 * squeeze-and-excitation block (arXiv:1709.01507, eq. 4), one number for each channel of each picture:
 *
 *   y[n, i, j, c] = a[n, i, j, c] · b[n, 0, 0, c]
 *
 * Backward: each factor gets dy times the other; what was repeated gets the sum over its repetitions:
 *
 *   da[n, i, j, c] = dy[n, i, j, c] · b[n, 0, 0, c]
 *   db[n, 0, 0, c] = Σ_{i, j} dy[n, i, j, c] · a[n, i, j, c]
 */
import { ShapeError } from '../errors.js';
import type { Shape } from '../tensor.js';
import { defineBackward, defineLayer, type NoAttributes } from './layer.js';

export const multiply = /* @__PURE__ */ defineLayer<NoAttributes>('multiply', {
  attributes: {},
  takes: 'several',
  elementwise: true,
  outputShape(inputs) {
    if (inputs.length !== 2) throw new ShapeError(`multiply: takes two inputs, found ${inputs.length}`);
    const [a, b] = inputs;
    const fits = (size: number, axis: number) => size === b[axis] || (axis > 0 && (size === 1 || b[axis] === 1));
    if (a.length !== b.length || !a.every(fits)) {
      throw new ShapeError(`multiply: after the batch, sizes must be equal or 1, found [${a}], [${b}]`);
    }
    return a.map((size, axis) => Math.max(size, b[axis]));
  },
  compute(y, [a, b]) {
    for (let i = 0; i < y.data.length; i++) {
      y.data[i] = a.data[sourceOf(a.shape, y.shape, i)] * b.data[sourceOf(b.shape, y.shape, i)];
    }
  },
});

/** Index of the number of x that goes into number i of y. */
function sourceOf(x: Shape, y: Shape, i: number): number {
  let index = 0;
  for (let axis = y.length - 1, rest = i, step = 1; axis >= 0; axis--) {
    if (x[axis] > 1) index += (rest % y[axis]) * step;
    rest = Math.floor(rest / y[axis]);
    step *= x[axis];
  }
  return index;
}

export const backward = /* @__PURE__ */ defineBackward(multiply, (dy, [a, b]) => {
  const da = new Float64Array(a.data.length);
  const db = new Float64Array(b.data.length);

  for (let i = 0; i < dy.data.length; i++) {
    const inA = sourceOf(a.shape, dy.shape, i);
    const inB = sourceOf(b.shape, dy.shape, i);
    da[inA] += dy.data[i] * b.data[inB];
    db[inB] += dy.data[i] * a.data[inA];
  }
  return [[da, db]];
});

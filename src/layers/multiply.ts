/**
 * Product of two tensors of the same shape, number by number, or of a tensor and one number for each channel of each picture: the gate of a
 * squeeze-and-excitation block (eq. 4 of arXiv:1709.01507).
 *
 *   y[n, i, j, c] = a[n, i, j, c] · b[n, i, j, c]     or     a[n, i, j, c] · b[n, 0, 0, c]
 *
 * a is [N, …, C], b is the same or [N, 1, …, 1, C].
 *
 * Backward: each factor gets dy times the other; a gate gets the sum over the picture.
 *
 *   da[n, i, j, c] = dy[n, i, j, c] · b[n, 0, 0, c]
 *   db[n, 0, 0, c] = Σ_{i, j} dy[n, i, j, c] · a[n, i, j, c]
 */
import { ShapeError } from '../errors.js';
import type { AnyTensor } from '../tensor.js';
import { listed } from './expect.js';
import { defineBackward, defineLayer, type NoAttributes } from './layer.js';

export const multiply = /* @__PURE__ */ defineLayer<NoAttributes>('multiply', {
  attributes: {},
  takes: 'several',
  elementwise: true,
  outputShape(inputs) {
    const [a, b] = inputs;
    const gate = a?.map((size, axis) => (axis === 0 || axis === a.length - 1 ? size : 1));
    if (inputs.length !== 2 || (`${b}` !== `${a}` && `${b}` !== `${gate}`)) {
      throw new ShapeError(`multiply: wanted [N, …, C] and the same or [N, 1, …, 1, C], found ${listed(inputs)}`);
    }
    return a;
  },
  compute(y, [a, b]) {
    const inB = indexIn(b, y);
    for (let i = 0; i < y.data.length; i++) y.data[i] = a.data[i] * b.data[inB(i)];
  },
});

type Numbers = Pick<AnyTensor, 'data' | 'shape'>;

/** Where the number of b lies that goes into number i of y. */
export function indexIn(b: Numbers, { data, shape: [N] }: Numbers): (i: number) => number {
  const ofY = data.length / N;
  const ofB = b.data.length / N;
  return (i) => Math.floor(i / ofY) * ofB + (i % ofB);
}

export const backward = /* @__PURE__ */ defineBackward(multiply, (dy, [a, b]) => {
  const inB = indexIn(b, dy);
  const da = new Float64Array(a.data.length);
  const db = new Float64Array(b.data.length);

  for (let i = 0; i < dy.data.length; i++) {
    da[i] = dy.data[i] * b.data[inB(i)];
    db[inB(i)] += dy.data[i] * a.data[i];
  }
  return [[da, db]];
});

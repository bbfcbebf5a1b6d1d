/**
 * Fully connected layer on the last axis, the classifier at the end of both papers' networks:
 *
 *   y[…, u] = bias[u] + Σ_c x[…, c] · K[c, u]
 *
 * x is [N, C] (or has more axes before C), K is [C, U], y is [N, U].
 *
 * Backward:
 *
 *   dx[…, c]  = Σ_u dy[…, u] · K[c, u]
 *   dK[c, u]  = Σ_… x[…, c] · dy[…, u]
 *   dbias[u]  = Σ_… dy[…, u]
 */
import { boolean, positive } from '../checks.js';
import { defineBackward, defineLayer, type KernelWeights, withBias } from './layer.js';

export interface DenseAttributes {
  readonly units: number;
  /** Default true: the papers' convolutions have no bias, their classifiers have one. */
  readonly bias?: boolean;
}

export const dense = /* @__PURE__ */ defineLayer<DenseAttributes, KernelWeights>('dense', {
  attributes: { units: positive, bias: boolean },
  defaults: { bias: true },
  takes: 'channels',
  kernel: 'IO',
  weightShapes: ([x], { units, bias }) => withBias([x[x.length - 1], units], bias, units),
  outputShape: ([x], { units }) => [...x.slice(0, -1), units],
  compute(
    y,
    [x],
    {
      kernel: {
        data: K,
        shape: [C, U],
      },
      bias,
    },
  ) {
    const sums = new Float64Array(U);

    for (let row = 0; row < x.data.length / C; row++) {
      for (let u = 0; u < U; u++) sums[u] = bias ? bias.data[u] : 0;
      for (let c = 0; c < C; c++) {
        for (let u = 0; u < U; u++) sums[u] += x.data[row * C + c] * K[c * U + u];
      }
      y.data.set(sums, row * U);
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(dense, ({ data: dy }, [{ data: x }], { kernel }, { bias }) => {
  const [C, U] = kernel.shape;
  const K = kernel.data;
  const dx = new Float64Array(x.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(U);

  for (let row = 0; row < x.length / C; row++) {
    for (let u = 0; u < U; u++) dBias[u] += dy[row * U + u];
    for (let c = 0; c < C; c++) {
      for (let u = 0; u < U; u++) {
        dx[row * C + c] += dy[row * U + u] * K[c * U + u];
        dK[c * U + u] += x[row * C + c] * dy[row * U + u];
      }
    }
  }
  return [[dx], { kernel: dK, ...(bias && { bias: dBias }) }];
});

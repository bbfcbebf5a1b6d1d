/**
 * Pointwise convolution, the 1×1 convolution that mixes channels after a depthwise one (§3.1 of arXiv:1704.04861; the second
 * term of eq. 5 is its cost):
 *
 *   G[n, k, l, o] = bias[o] + Σ_m F[n, k, l, m] · K[m, o]
 *
 * F is [N, H, W, M], K is [M, O], G is [N, H, W, O].
 *
 * Backward, two matrix products: dF = dG · Kᵀ and dK = Fᵀ · dG over all positions:
 *
 *   dF[n, k, l, m]  = Σ_o dG[n, k, l, o] · K[m, o]
 *   dK[m, o]        = Σ_{n, k, l} F[n, k, l, m] · dG[n, k, l, o]
 *   dbias[o]        = Σ_{n, k, l} dG[n, k, l, o]
 */
import { boolean, positive } from '../checks.js';
import { defineBackward, defineLayer, type KernelWeights, withBias } from './layer.js';

export interface PointwiseConv2dAttributes {
  readonly filters: number;
  /** Default false. */
  readonly bias?: boolean;
}

export const pointwiseConv2d = /* @__PURE__ */ defineLayer<PointwiseConv2dAttributes, KernelWeights>(
  'pointwiseConv2d',
  {
    attributes: { filters: positive, bias: boolean },
    defaults: { bias: false },
    takes: 'image',
    kernel: 'IO',
    window: 'point',
    weightShapes: ([[, , , M]], { filters, bias }) => withBias([M, filters], bias, filters),
    outputShape: ([[N, H, W]], { filters }) => [N, H, W, filters],
    compute(
      { data: G },
      [{ data: F }],
      {
        kernel: {
          data: K,
          shape: [M, O],
        },
        bias,
      },
    ) {
      const sums = new Float64Array(O);

      for (let position = 0; position < F.length / M; position++) {
        for (let o = 0; o < O; o++) sums[o] = bias ? bias.data[o] : 0;
        for (let m = 0; m < M; m++) {
          for (let o = 0; o < O; o++) sums[o] += F[position * M + m] * K[m * O + o];
        }
        G.set(sums, position * O);
      }
    },
  },
);

export const backward = /* @__PURE__ */ defineBackward(pointwiseConv2d, (dy, [x], { kernel }, { bias }) => {
  const [M, O] = kernel.shape;
  const dG = dy.data;
  const F = x.data;
  const K = kernel.data;
  const dF = new Float64Array(F.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(O);

  for (let position = 0; position < F.length / M; position++) {
    for (let o = 0; o < O; o++) {
      const d = dG[position * O + o];
      dBias[o] += d;
      for (let m = 0; m < M; m++) {
        dF[position * M + m] += d * K[m * O + o];
        dK[m * O + o] += F[position * M + m] * d;
      }
    }
  }
  return [[dF], { kernel: dK, ...(bias && { bias: dBias }) }];
});

/**
 * Standard convolution. Eq. 1 of arXiv:1704.04861, with batch n, strides s, dilation d and padding written out:
 *
 *   G[n, k, l, o] = bias[o] + Σ_{i, j, m} F[n, p, q, m] · K[i, j, m, o],   p = k·s + i·d − top,   q = l·s + j·d − left
 *
 * F is [N, H, W, M], K is [KH, KW, M, O] (HWIO), G is [N, outH, outW, O]. Positions outside F count as zero.
 *
 * Backward: every product F · K of that sum passes dG on to both of its factors:
 *
 *   dF[n, p, q, m]  = Σ_{k, i | p} Σ_{l, j | q} Σ_o dG[n, k, l, o] · K[i, j, m, o]
 *   dK[i, j, m, o]  = Σ_{n, k, l} F[n, p, q, m] · dG[n, k, l, o]
 *   dbias[o]        = Σ_{n, k, l} dG[n, k, l, o]
 */
import { boolean, padding, pair, positive } from '../checks.js';
import type { Padding, Pair } from '../padding.js';
import { defineBackward, defineLayer, type KernelWeights, withBias } from './layer.js';
import { tapsOf, windowsOf } from './windows.js';

export interface Conv2dAttributes {
  readonly filters: number;
  readonly kernelSize: Pair;
  /** Default [1, 1], as all of these: "stride one and padding" (§3.1 of arXiv:1704.04861), and no bias. */
  readonly strides?: Pair;
  /** Default [1, 1]. */
  readonly dilation?: Pair;
  /** Default 'same'. */
  readonly padding?: Padding;
  /** Default false. */
  readonly bias?: boolean;
}

export const conv2d = /* @__PURE__ */ defineLayer<Conv2dAttributes, KernelWeights>('conv2d', {
  attributes: { filters: positive, kernelSize: pair, strides: pair, dilation: pair, padding, bias: boolean },
  defaults: { strides: [1, 1], dilation: [1, 1], padding: 'same', bias: false },
  takes: 'image',
  kernel: 'HWIO',
  window: 'kernelSize',
  weightShapes: ([[, , , M]], { filters, kernelSize, bias }) => withBias([...kernelSize, M, filters], bias, filters),
  outputShape([x], attributes) {
    const { vertical, horizontal } = windowsOf('conv2d', x, attributes.kernelSize, attributes);
    return [x[0], vertical.out, horizontal.out, attributes.filters];
  },
  compute({ data: G, shape: [N, outH, outW, O] }, [{ data: F, shape }], { kernel: { data: K }, bias }, attributes) {
    const [, H, W, M] = shape;
    const [, KW] = attributes.kernelSize;
    const { rows, columns } = tapsOf(shape, attributes.kernelSize, attributes);
    const sums = new Float64Array(O);

    for (let n = 0; n < N; n++) {
      for (let k = 0; k < outH; k++) {
        for (let l = 0; l < outW; l++) {
          for (let o = 0; o < O; o++) sums[o] = bias ? bias.data[o] : 0;
          for (const [i, p] of rows[k]) {
            for (const [j, q] of columns[l]) {
              for (let m = 0; m < M; m++) {
                const f = F[((n * H + p) * W + q) * M + m];
                const tap = ((i * KW + j) * M + m) * O;
                for (let o = 0; o < O; o++) sums[o] += f * K[tap + o];
              }
            }
          }
          G.set(sums, ((n * outH + k) * outW + l) * O);
        }
      }
    }
  },
});

export const backward = /* @__PURE__ */ defineBackward(conv2d, (dy, [x], { kernel: { data: K } }, attributes) => {
  const {
    data: dG,
    shape: [N, outH, outW, O],
  } = dy;
  const {
    data: F,
    shape: [, H, W, M],
  } = x;
  const [, KW] = attributes.kernelSize;
  const { rows, columns } = tapsOf(x.shape, attributes.kernelSize, attributes);
  const dF = new Float64Array(F.length);
  const dK = new Float64Array(K.length);
  const dBias = new Float64Array(O);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        const from = ((n * outH + k) * outW + l) * O;
        for (let o = 0; o < O; o++) dBias[o] += dG[from + o];
        for (const [i, p] of rows[k]) {
          for (const [j, q] of columns[l]) {
            for (let m = 0; m < M; m++) {
              const sample = ((n * H + p) * W + q) * M + m;
              const tap = ((i * KW + j) * M + m) * O;
              for (let o = 0; o < O; o++) {
                dF[sample] += dG[from + o] * K[tap + o];
                dK[tap + o] += F[sample] * dG[from + o];
              }
            }
          }
        }
      }
    }
  }
  return [[dF], { kernel: dK, ...(attributes.bias && { bias: dBias }) }];
});

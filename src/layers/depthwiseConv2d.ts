/**
 * Depthwise convolution: every channel is filtered by itself. Eq. 3 of arXiv:1704.04861, with M filters a channel (the depth
 * multiplier, 1 in the papers), batch n, strides s, dilation d and padding written out:
 *
 *   G[n, k, l, c·M + m] = bias[c·M + m] + Σ_{i, j} F[n, p, q, c] · K[i, j, c, m],   p = k·s + i·d − top,   q = l·s + j·d − left
 *
 * F is [N, H, W, C], K is [KH, KW, C, M], G is [N, outH, outW, C·M]. Positions outside F count as zero.
 *
 * Backward:
 *
 *   dF[n, p, q, c]    = Σ_{k, i | p} Σ_{l, j | q} Σ_m dG[n, k, l, c·M + m] · K[i, j, c, m]
 *   dK[i, j, c, m]    = Σ_{n, k, l} F[n, p, q, c] · dG[n, k, l, c·M + m]
 *   dbias[c·M + m]    = Σ_{n, k, l} dG[n, k, l, c·M + m]
 */
import { boolean, padding, pair, positive } from '../checks.js';
import type { Padding, Pair } from '../padding.js';
import { defineBackward, defineLayer, type KernelWeights, withBias } from './layer.js';
import { tapsOf, windowsOf } from './windows.js';

export interface DepthwiseConv2dAttributes {
  readonly kernelSize: Pair;
  /** Default [1, 1], as all of these: "stride one and padding" (§3.1 of arXiv:1704.04861), and no bias. */
  readonly strides?: Pair;
  /** Default [1, 1]. */
  readonly dilation?: Pair;
  /** Default 'same'. */
  readonly padding?: Padding;
  /** Outputs for each input channel; never the width multiplier α. Default 1. */
  readonly depthMultiplier?: number;
  /** Default false. */
  readonly bias?: boolean;
}

export const depthwiseConv2d = /* @__PURE__ */ defineLayer<DepthwiseConv2dAttributes, KernelWeights>(
  'depthwiseConv2d',
  {
    attributes: { kernelSize: pair, strides: pair, dilation: pair, padding, depthMultiplier: positive, bias: boolean },
    defaults: { strides: [1, 1], dilation: [1, 1], padding: 'same', depthMultiplier: 1, bias: false },
    takes: 'image',
    kernel: 'HWCM',
    window: 'kernelSize',
    weightShapes: ([[, , , C]], { kernelSize, depthMultiplier: M, bias }) =>
      withBias([...kernelSize, C, M], bias, C * M),
    outputShape([x], attributes) {
      const { vertical, horizontal } = windowsOf('depthwiseConv2d', x, attributes.kernelSize, attributes);
      return [x[0], vertical.out, horizontal.out, x[3] * attributes.depthMultiplier];
    },
    compute({ data: G, shape: [N, outH, outW] }, [{ data: F, shape }], { kernel: { data: K }, bias }, attributes) {
      const [, H, W, C] = shape;
      const { kernelSize, depthMultiplier: M } = attributes;
      const { rows, columns } = tapsOf(shape, kernelSize, attributes);
      const sums = new Float64Array(C * M);

      for (let n = 0; n < N; n++) {
        for (let k = 0; k < outH; k++) {
          for (let l = 0; l < outW; l++) {
            for (let o = 0; o < C * M; o++) sums[o] = bias ? bias.data[o] : 0;
            for (const [i, p] of rows[k]) {
              for (const [j, q] of columns[l]) {
                const sample = ((n * H + p) * W + q) * C;
                const tap = (i * kernelSize[1] + j) * C * M;
                for (let m = 0; m < M; m++) {
                  for (let c = 0; c < C; c++) sums[c * M + m] += F[sample + c] * K[tap + c * M + m];
                }
              }
            }
            G.set(sums, ((n * outH + k) * outW + l) * C * M);
          }
        }
      }
    },
  },
);

export const backward = /* @__PURE__ */ defineBackward(
  depthwiseConv2d,
  (dy, [x], { kernel: { data: K } }, attributes) => {
    const {
      data: dG,
      shape: [N, outH, outW],
    } = dy;
    const {
      data: F,
      shape: [, H, W, C],
    } = x;
    const { kernelSize, depthMultiplier: M } = attributes;
    const { rows, columns } = tapsOf(x.shape, kernelSize, attributes);
    const dF = new Float64Array(F.length);
    const dK = new Float64Array(K.length);
    const dBias = new Float64Array(C * M);

    for (let n = 0; n < N; n++) {
      for (let k = 0; k < outH; k++) {
        for (let l = 0; l < outW; l++) {
          const from = ((n * outH + k) * outW + l) * C * M;
          for (let o = 0; o < C * M; o++) dBias[o] += dG[from + o];
          for (const [i, p] of rows[k]) {
            for (const [j, q] of columns[l]) {
              const sample = ((n * H + p) * W + q) * C;
              const tap = (i * kernelSize[1] + j) * C * M;
              for (let c = 0; c < C; c++) {
                for (let o = c * M; o < (c + 1) * M; o++) {
                  dF[sample + c] += dG[from + o] * K[tap + o];
                  dK[tap + o] += F[sample + c] * dG[from + o];
                }
              }
            }
          }
        }
      }
    }
    return [[dF], { kernel: dK, ...(attributes.bias && { bias: dBias }) }];
  },
);

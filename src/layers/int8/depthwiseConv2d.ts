/**
 * Depthwise convolution of integers (DEPTHWISE_CONV_2D). F and K are distances from the zero points, so that positions outside F count as
 * zero:
 *
 *   acc[n, k, l, c·M + m] = bias[c·M + m] + Σ_{i, j} F[n, p, q, c] · K[i, j, c, m],   p = k·s + i·d − top,   q = l·s + j·d − left
 *
 * and each sum becomes an integer of the result as `sums.ts` says. The kernel is [KH, KW, C, M], with one scale or one for each c·M + m.
 */
import { depthwiseConv2d } from '../depthwiseConv2d.js';
import { tapsOf } from '../windows.js';
import { integerLayer } from './layer.js';
import { centred, finisherOf } from './sums.js';

export const forward = /* @__PURE__ */ integerLayer(depthwiseConv2d, (y, [x], weights, attributes, rounding) => {
  const { kernelSize, depthMultiplier: M } = attributes;
  const [, KW] = kernelSize;
  const [, H, W, C] = x.shape;
  const [N, outH, outW, O] = y.shape;
  const { rows, columns } = tapsOf(x.shape, kernelSize, attributes);
  const finish = finisherOf('depthwiseConv2d', x, weights, O, y.type, rounding);
  const F = centred(x);
  const K = centred(weights.kernel);
  const sums = new Int32Array(O);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        sums.fill(0);
        for (const [i, p] of rows[k]) {
          for (const [j, q] of columns[l]) {
            const sample = ((n * H + p) * W + q) * C;
            const tap = (i * KW + j) * O;
            for (let c = 0; c < C; c++) {
              for (let m = 0; m < M; m++) sums[c * M + m] += F[sample + c] * K[tap + c * M + m];
            }
          }
        }
        const at = ((n * outH + k) * outW + l) * O;
        for (let o = 0; o < O; o++) y.data[at + o] = finish(sums[o], o);
      }
    }
  }
});

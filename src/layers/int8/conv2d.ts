/**
 * Standard convolution of integers (CONV_2D). F and K are distances from the zero points, so that positions outside F count as zero:
 *
 *   acc[n, k, l, o] = bias[o] + Σ_{i, j, m} F[n, p, q, m] · K[i, j, m, o],   p = k·s + i·d − top,   q = l·s + j·d − left
 *
 * and each sum becomes an integer of the result as `sums.ts` says. The kernel is [KH, KW, M, O], with one scale or one for each o.
 */
import { conv2d } from '../conv2d.js';
import { tapsOf } from '../windows.js';
import { integerLayer } from './layer.js';
import { centred, finisherOf } from './sums.js';

export const forward = /* @__PURE__ */ integerLayer(conv2d, (y, [x], weights, attributes, rounding) => {
  const [, KW] = attributes.kernelSize;
  const [, H, W, M] = x.shape;
  const [N, outH, outW, O] = y.shape;
  const { rows, columns } = tapsOf(x.shape, attributes.kernelSize, attributes);
  const finish = finisherOf('conv2d', x, weights, O, y.type, rounding);
  const F = centred(x);
  const K = centred(weights.kernel);
  const sums = new Int32Array(O);

  for (let n = 0; n < N; n++) {
    for (let k = 0; k < outH; k++) {
      for (let l = 0; l < outW; l++) {
        sums.fill(0);
        for (const [i, p] of rows[k]) {
          for (const [j, q] of columns[l]) {
            for (let m = 0; m < M; m++) {
              const f = F[((n * H + p) * W + q) * M + m];
              const tap = ((i * KW + j) * M + m) * O;
              for (let o = 0; o < O; o++) sums[o] += f * K[tap + o];
            }
          }
        }
        const at = ((n * outH + k) * outW + l) * O;
        for (let o = 0; o < O; o++) y.data[at + o] = finish(sums[o], o);
      }
    }
  }
});

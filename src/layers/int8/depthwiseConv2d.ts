/**
 * Depthwise convolution of integers (DEPTHWISE_CONV_2D). F and K are distances from the zero points, so that positions outside F count as
 * zero:
 *
 *   acc[n, k, l, c·M + m] = bias[c·M + m] + Σ_{i, j} F[n, k·s + i·d − top, l·s + j·d − left, c] · K[i, j, c, m]
 *
 * and each sum becomes an integer of the result as `sums.ts` says. The kernel is [KH, KW, C, M], with one scale or one for each c·M + m.
 */
import { slideWindows } from '../../padding.js';
import * as depthwiseConv2d from '../depthwiseConv2d.js';
import { integerLayer } from './layer.js';
import { centred, finisherOf } from './sums.js';

export const forward = /* @__PURE__ */ integerLayer(
  'depthwiseConv2d',
  depthwiseConv2d,
  (y, [x], weights, attributes, rounding) => {
    const { kernelSize, strides, dilation, padding, depthMultiplier: M } = attributes;
    const [KH, KW] = kernelSize;
    const [, H, W, C] = x.shape;
    const [N, outH, outW, O] = y.shape;
    const { vertical, horizontal } = slideWindows('depthwiseConv2d', [H, W], kernelSize, strides, dilation, padding);
    const finish = finisherOf('depthwiseConv2d', x, weights, O, y.type, rounding);
    const F = centred(x);
    const K = centred(weights.kernel);
    const sums = new Int32Array(O);

    for (let n = 0; n < N; n++) {
      for (let k = 0; k < outH; k++) {
        for (let l = 0; l < outW; l++) {
          sums.fill(0);
          for (let i = 0; i < KH; i++) {
            const row = k * strides[0] + i * dilation[0] - vertical.before;
            if (row < 0 || row >= H) continue;
            for (let j = 0; j < KW; j++) {
              const column = l * strides[1] + j * dilation[1] - horizontal.before;
              if (column < 0 || column >= W) continue;
              const sample = ((n * H + row) * W + column) * C;
              const tap = (i * KW + j) * O;
              for (let o = 0; o < O; o++) sums[o] += F[sample + Math.floor(o / M)] * K[tap + o];
            }
          }
          const at = ((n * outH + k) * outW + l) * O;
          for (let o = 0; o < O; o++) y.data[at + o] = finish(sums[o], o);
        }
      }
    }
  },
);

/**
 * Batch normalisation at inference, with the statistics that training gathered. Algorithm 2, line 11 of arXiv:1502.03167:
 *
 *   y = gamma · (x − movingMean) / √(movingVariance + epsilon) + beta,   for each channel (the last axis) by itself
 *
 * Without `scale` there is no gamma and it counts as 1; without `center` there is no beta and it counts as 0. The published
 * weights disagree about epsilon (1e-3 in TensorFlow, 1e-5 in PyTorch), so that every layer states its own.
 *
 * Backward with these frozen statistics, as in fine-tuning, x̂ being the fraction above without its gamma:
 *
 *   dx = dy · gamma / √(movingVariance + epsilon),   dgamma = Σ dy · x̂,   dbeta = Σ dy,   sums over all but the channels
 *
 * `batchNormTraining.ts` has what it computes while a network is trained.
 */
import { boolean, numberWhere } from '../checks.js';
import type { Shape, Tensor } from '../tensor.js';
import { defineBackward, defineLayer } from './layer.js';

export interface BatchNormAttributes {
  /** Default 0.001, as in the code of both papers' authors. */
  readonly epsilon?: number;
  /** Whether there is a gamma. Default true. */
  readonly scale?: boolean;
  /** Whether there is a beta. Default true. */
  readonly center?: boolean;
}

export interface BatchNormWeights {
  readonly gamma?: Tensor;
  readonly beta?: Tensor;
  readonly movingMean: Tensor;
  readonly movingVariance: Tensor;
}

export const batchNorm = /* @__PURE__ */ defineLayer<BatchNormAttributes, BatchNormWeights>('batchNorm', {
  attributes: {
    epsilon: /* @__PURE__ */ numberWhere('a number of 0 or more', (value) => value >= 0),
    scale: boolean,
    center: boolean,
  },
  defaults: { epsilon: 0.001, scale: true, center: true },
  takes: 'channels',
  elementwise: true,
  weightShapes([x], { scale, center }) {
    const channels: Shape = [x[x.length - 1]];
    return {
      ...(scale && { gamma: channels }),
      ...(center && { beta: channels }),
      movingMean: channels,
      movingVariance: channels,
    };
  },
  compute(y, [x], { gamma, beta, movingMean, movingVariance }, { epsilon }) {
    const C = movingMean.data.length;

    for (let c = 0; c < C; c++) {
      const scale = gamma ? gamma.data[c] : 1;
      const shift = beta ? beta.data[c] : 0;
      const mean = movingMean.data[c];
      const deviation = Math.sqrt(movingVariance.data[c] + epsilon);
      for (let i = c; i < x.data.length; i += C) y.data[i] = (scale * (x.data[i] - mean)) / deviation + shift;
    }
  },
});

/** With frozen statistics: gradients of gamma and beta, none of the moving mean and variance. */
export const backward = /* @__PURE__ */ defineBackward(
  batchNorm,
  ({ data: dy }, [{ data: x }], weights, attributes) => {
    const { gamma, movingMean, movingVariance } = weights;
    const C = movingMean.data.length;
    const dx = new Float64Array(x.length);
    const dGamma = new Float64Array(C);
    const dBeta = new Float64Array(C);

    for (let c = 0; c < C; c++) {
      const scale = gamma ? gamma.data[c] : 1;
      const mean = movingMean.data[c];
      const deviation = Math.sqrt(movingVariance.data[c] + attributes.epsilon);
      for (let i = c; i < x.length; i += C) {
        dx[i] = (dy[i] * scale) / deviation;
        dGamma[c] += (dy[i] * (x[i] - mean)) / deviation;
        dBeta[c] += dy[i];
      }
    }
    return [[dx], { ...(attributes.scale && { gamma: dGamma }), ...(attributes.center && { beta: dBeta }) }];
  },
);

/**
 * Batch normalisation at inference, with the statistics that training gathered. Algorithm 2, line 11 of arXiv:1502.03167:
 *
 *   y = gamma · (x − movingMean) / √(movingVariance + epsilon) + beta,   for each channel (the last axis) by itself
 *
 * Without `scale` there is no gamma and it counts as 1; without `center` there is no beta and it counts as 0. The published
 * weights disagree about epsilon (1e-3 in TensorFlow, 1e-5 in PyTorch), so that every layer states its own.
 */
import { ShapeError } from '../errors.js';
import { type Shape, type Tensor, zerosLike } from '../tensor.js';
import { expectChannels, expectOne, expectWeights } from './expect.js';
import { type Cost, countParams, type WeightShapes } from './layer.js';

export interface BatchNormAttributes {
  readonly epsilon: number;
  /** Whether there is a gamma. */
  readonly scale: boolean;
  /** Whether there is a beta. */
  readonly center: boolean;
}

export interface BatchNormWeights {
  readonly gamma?: Tensor;
  readonly beta?: Tensor;
  readonly movingMean: Tensor;
  readonly movingVariance: Tensor;
}

function trainableShapes(C: number, { scale, center }: BatchNormAttributes): WeightShapes {
  return { ...(scale && { gamma: [C] }), ...(center && { beta: [C] }) };
}

export function weightShapes(inputs: readonly Shape[], attributes: BatchNormAttributes): WeightShapes {
  const C = expectChannels('batchNorm', expectOne('batchNorm', inputs));
  return { ...trainableShapes(C, attributes), movingMean: [C], movingVariance: [C] };
}

export function outputShape(inputs: readonly Shape[], { epsilon }: BatchNormAttributes): Shape {
  const x = expectOne('batchNorm', inputs);
  expectChannels('batchNorm', x);
  if (!(epsilon >= 0)) throw new ShapeError(`batchNorm: epsilon must be 0 or more, found ${epsilon}`);
  return x;
}

/** No multiply-adds: the papers fold it into the convolution before it. Training changes gamma and beta only. */
export function cost(inputs: readonly Shape[], attributes: BatchNormAttributes): Cost {
  const C = expectChannels('batchNorm', expectOne('batchNorm', inputs));
  return {
    multiplyAdds: 0,
    trainable: countParams(trainableShapes(C, attributes)),
    stored: countParams(weightShapes(inputs, attributes)),
  };
}

export function forward(inputs: readonly Tensor[], weights: BatchNormWeights, attributes: BatchNormAttributes): Tensor {
  const x = expectOne('batchNorm', inputs);
  const y = zerosLike(x, outputShape([x.shape], attributes));
  const wanted = weightShapes([x.shape], attributes);
  const { gamma, beta, movingMean, movingVariance } = expectWeights('batchNorm', weights, wanted);
  const C = movingMean.shape[0];

  for (let c = 0; c < C; c++) {
    const scale = gamma ? gamma.data[c] : 1;
    const shift = beta ? beta.data[c] : 0;
    const mean = movingMean.data[c];
    const deviation = Math.sqrt(movingVariance.data[c] + attributes.epsilon);
    for (let i = c; i < x.data.length; i += C) y.data[i] = (scale * (x.data[i] - mean)) / deviation + shift;
  }
  return y;
}

/** What a layer costs, counted as the papers count. `costs.ts` has the papers' expressions to compare with. */
import { type Shape, sizeOf } from '../tensor.js';
import { type AttributesAlone, fanIn, isStatistic, type Layer } from './layer.js';

export interface Cost {
  /** One product and one sum count as 1 (the papers' Mult-Adds). Taps that fall on padding count; biases, batch norm and activations do not. */
  readonly multiplyAdds: number;
  /** Numbers that training changes: kernels, biases, gamma and beta. */
  readonly trainable: number;
  /** Numbers that a weights file holds: trainable, and the moving mean and variance. */
  readonly stored: number;
}

/**
 * Multiply-adds: the products of one number of the result, for each of them. That is D_K · D_K · M · N · D_F · D_F for a convolution (eq. 2 of
 * arXiv:1704.04861) and D_K · D_K · M · D_F · D_F for a depthwise one (eq. 4), D_F the side of the output. A layer without a kernel has none.
 */
export function cost<Attributes>(
  layer: Layer<Attributes, never>,
  inputs: readonly Shape[],
  ...attributes: AttributesAlone<Attributes>
): Cost {
  const weights = layer.weightShapes(inputs, ...attributes);
  const results = sizeOf(layer.outputShape(inputs, ...attributes));
  return {
    multiplyAdds: layer.kernel ? fanIn(layer.kernel, weights.kernel) * results : 0,
    trainable: count(Object.entries(weights).filter(([name]) => !isStatistic(name))),
    stored: count(Object.entries(weights)),
  };
}

const count = (weights: readonly (readonly [string, Shape])[]): number =>
  weights.reduce((numbers, [, shape]) => numbers + sizeOf(shape), 0);

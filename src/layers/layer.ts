/**
 * What every file of this folder exports: one layer, read from top to bottom beside the paper.
 *
 *   weightShapes(inputs, attributes)        shapes of the weights it needs, by name (absent for layers without weights)
 *   outputShape(inputs, attributes)         shape of the result; throws a ShapeError for inputs that do not fit
 *   cost(inputs, attributes)                multiply-adds and parameters, from the paper's formula
 *   forward(inputs, weights, attributes)    the result; sums in float64, each result rounded once to the input's number type
 *
 * `inputs` is always a list, since `add` and `concat` take several. The code is slow on purpose and stays so: what is fast lives in
 * `assembly/` and is held to these files by tests.
 */
import { type Shape, sizeOf, type Tensor } from '../tensor.js';

export interface Cost {
  /** One product and one sum count as 1 (the papers' Mult-Adds). Taps that fall on padding count; biases, batch norm and activations do not. */
  readonly multiplyAdds: number;
  /** Numbers that training changes: kernels, biases, gamma and beta. */
  readonly trainable: number;
  /** Numbers that a weights file holds: trainable, and the moving mean and variance. */
  readonly stored: number;
}

/** The cost of a layer without weights, by the papers' way of counting. */
export const FREE: Cost = { multiplyAdds: 0, trainable: 0, stored: 0 };

/** The attributes of a layer that has none. */
export type NoAttributes = Readonly<Record<string, never>>;

export type WeightShapes = Readonly<Record<string, Shape>>;

/** The numbers in all of these weights together. */
export function countParams(weights: WeightShapes): number {
  return Object.values(weights).reduce((count, shape) => count + sizeOf(shape), 0);
}

export interface Layer<Attributes, Weights> {
  readonly weightShapes?: (inputs: readonly Shape[], attributes: Attributes) => WeightShapes;
  readonly outputShape: (inputs: readonly Shape[], attributes: Attributes) => Shape;
  readonly cost: (inputs: readonly Shape[], attributes: Attributes) => Cost;
  readonly forward: (inputs: readonly Tensor[], weights: Weights, attributes: Attributes) => Tensor;
}

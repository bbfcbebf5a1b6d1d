/**
 * What every file of this folder exports: one layer, read from top to bottom beside the paper.
 *
 *   weightShapes(inputs, attributes)        shapes of the weights it needs, by name (absent for layers without weights)
 *   outputShape(inputs, attributes)         shape of the result; throws a ShapeError for inputs that do not fit
 *   cost(inputs, attributes)                multiply-adds and parameters, from the paper's formula
 *   forward(inputs, weights, attributes)    the result; sums in float64, each result rounded once to the input's number type
 *   backward(outputGradient, …)             before the arguments of forward, ∂L/∂y of some loss L; the result is ∂L/∂x of every
 *                                           input and ∂L/∂w of every trainable weight, summed and rounded like y
 *
 * In formulas and code dG is short for ∂L/∂G. `inputs` is always a list, since `add` and `concat` take several. Batch norm and dropout
 * compute something else while a network is trained: beside `forward` and `backward`, which are for inference and for fine-tuning with
 * frozen statistics, they have `forwardTraining` and `backwardTraining`. The code is slow on purpose and stays so: what is fast lives in
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

/** What a small change of each number changes in the loss. Each tensor has the shape of what it belongs to and the number type of the first input. */
export interface Gradients {
  /** One for each input, in their order. */
  readonly inputs: readonly Tensor[];
  /** By weight name; {} for a layer without weights. Moving statistics are not trained and have none. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

export type Backward<Attributes, Weights> = (
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  weights: Weights,
  attributes: Attributes,
) => Gradients;

export interface Layer<Attributes, Weights> {
  readonly weightShapes?: (inputs: readonly Shape[], attributes: Attributes) => WeightShapes;
  readonly outputShape: (inputs: readonly Shape[], attributes: Attributes) => Shape;
  readonly forward: (inputs: readonly Tensor[], weights: Weights, attributes: Attributes) => Tensor;
}

/**
 * Optimisers. g is the gradient of the mean loss, w a number to be changed, η the learning rate; the state starts at 0 unless said.
 *
 *   SGD      v ← m·v + g;  w ← w − η·v, or by Nesterov w − η·(g + m·v)       (Sutskever et al. 2013, as PyTorch and TF.js write it)
 *   RMSProp  s ← ρ·s + (1 − ρ)·g²;  v ← m·v + η·g / √(s + ε);  w ← w − v     (tf.train.RMSPropOptimizer, with which both papers trained:
 *                                                                            ε within the root, s starts at 1)
 *   Adam     a ← β₁·a + (1 − β₁)·g;  b ← β₂·b + (1 − β₂)·g²;                 (arXiv:1412.6980, Algorithm 1)
 *            w ← w − η·(a / (1 − β₁ᵗ)) / (√(b / (1 − β₂ᵗ)) + ε)
 *
 * Weight decay λ adds λ·w to g, the gradient of λ/2·‖w‖²; for Adam it is decoupled, w ← w − η·λ·w (arXiv:1711.05101). It is for the kernels
 * of full and pointwise convolutions and of dense layers: "we found that it was important to put very little or no weight decay on the
 * depthwise filters since there are so few parameters in them" (arXiv:1704.04861, §3.2). Biases, gamma and beta have none either.
 */
import type { ParameterLayout } from '../step/parameters.js';

export type OptimizerOptions =
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }
  | { readonly kind: 'rmsprop'; readonly decay: number; readonly momentum: number; readonly epsilon: number }
  | { readonly kind: 'adam'; readonly beta1: number; readonly beta2: number; readonly epsilon: number };

export type OptimizerKind = OptimizerOptions['kind'];

/**
 * What each is unless told otherwise: RMSProp's as in arXiv:1801.04381, §6.1 ("decay and momentum to 0.9"), with slim's ε of 1; SGD's and
 * Adam's are the customary ones.
 */
export const optimizerDefaults: { readonly [Kind in OptimizerKind]: Extract<OptimizerOptions, { kind: Kind }> } = {
  sgd: { kind: 'sgd', momentum: 0.9, nesterov: true },
  rmsprop: { kind: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 },
  adam: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
};

export interface Optimizer {
  /** Everything that it remembers from step to step, by name: part of a checkpoint. */
  readonly state: Readonly<Record<string, Float32Array>>;
  /** Changes `values`, laid out as `trainable`. `step` counts from 0. */
  update(values: Float32Array, gradients: Float32Array, learningRate: number, step: number): void;
}

/** With a `state` that was saved, goes on with it, and changes it; otherwise begins. */
export function createOptimizer(
  options: OptimizerOptions,
  layout: ParameterLayout,
  weightDecay: number,
  state: Optimizer['state'] = {},
): Optimizer {
  const decays = layout.trainable.map(({ offset, size, role }) => ({
    begin: offset,
    end: offset + size,
    decay: role === 'kernel' ? weightDecay : 0,
  }));
  const remembered = (name: string, start = 0) => state[name] ?? new Float32Array(layout.trainableSize).fill(start);
  switch (options.kind) {
    case 'sgd':
      return sgd(options, decays, remembered('velocity'));
    case 'rmsprop':
      return rmsprop(options, decays, remembered('meanSquare', 1), remembered('velocity'));
    case 'adam':
      return adam(options, decays, remembered('mean'), remembered('meanSquare'));
  }
}

/** Positions begin … end − 1 have the same weight decay. */
interface Range {
  readonly begin: number;
  readonly end: number;
  readonly decay: number;
}

type OptionsOf<Kind extends OptimizerKind> = Extract<OptimizerOptions, { kind: Kind }>;

function sgd({ momentum, nesterov }: OptionsOf<'sgd'>, ranges: readonly Range[], velocity: Float32Array): Optimizer {
  return {
    state: { velocity },
    update(values, gradients, learningRate) {
      for (const { begin, end, decay } of ranges) {
        for (let i = begin; i < end; i++) {
          const g = gradients[i] + decay * values[i];
          velocity[i] = momentum * velocity[i] + g;
          values[i] -= learningRate * (nesterov ? g + momentum * velocity[i] : velocity[i]);
        }
      }
    },
  };
}

function rmsprop(
  { decay: rho, momentum, epsilon }: OptionsOf<'rmsprop'>,
  ranges: readonly Range[],
  meanSquare: Float32Array,
  velocity: Float32Array,
): Optimizer {
  return {
    state: { meanSquare, velocity },
    update(values, gradients, learningRate) {
      for (const { begin, end, decay } of ranges) {
        for (let i = begin; i < end; i++) {
          const g = gradients[i] + decay * values[i];
          meanSquare[i] = rho * meanSquare[i] + (1 - rho) * g * g;
          velocity[i] = momentum * velocity[i] + (learningRate * g) / Math.sqrt(meanSquare[i] + epsilon);
          values[i] -= velocity[i];
        }
      }
    },
  };
}

function adam(
  { beta1, beta2, epsilon }: OptionsOf<'adam'>,
  ranges: readonly Range[],
  mean: Float32Array,
  meanSquare: Float32Array,
): Optimizer {
  return {
    state: { mean, meanSquare },
    update(values, gradients, learningRate, step) {
      const correction1 = 1 - beta1 ** (step + 1);
      const correction2 = 1 - beta2 ** (step + 1);
      for (const { begin, end, decay } of ranges) {
        for (let i = begin; i < end; i++) {
          const g = gradients[i];
          mean[i] = beta1 * mean[i] + (1 - beta1) * g;
          meanSquare[i] = beta2 * meanSquare[i] + (1 - beta2) * g * g;
          const direction = mean[i] / correction1 / (Math.sqrt(meanSquare[i] / correction2) + epsilon);
          values[i] -= learningRate * (direction + decay * values[i]);
        }
      }
    },
  };
}

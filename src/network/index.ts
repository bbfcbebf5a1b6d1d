/** Networks as data: description, shape inference, weights, costs, reference executor. */

export { setBudget } from './budget.js';
export { NetworkBuilder } from './builder.js';
export type {
  Conventions,
  CropRule,
  DetectionConventions,
  Preprocessing,
  ResizeRule,
  StatedSuppression,
} from './conventions.js';
export type { NodeWindow, ReceptiveField } from './counting/receptive-field.js';
export {
  type Counting,
  type LayerSummary,
  type Summary,
  type SummaryOptions,
  summarize,
  type Totals,
} from './counting/summary.js';
export { fromJson, type NetworkJson, toJson } from './json.js';
export type {
  AttributesOf,
  LayerKind,
  Network,
  NetworkInput,
  NetworkNode,
  NodeOf,
  Weights,
} from './network.js';
export { type PresetName, preprocessingPreset } from './presets.js';
export type {
  QuantizedInput,
  QuantizedKind,
  QuantizedNetwork,
  QuantizedNode,
  QuantizedWeights,
} from './quantized-network.js';
export { asRealNumbers } from './rewriting/as-real-numbers.js';
export { atResolution } from './rewriting/at-resolution.js';
export { type Foldable, type FoldedBatchNorm, foldBatchNorm } from './rewriting/fold-batch-norm.js';
export { withOutputs } from './rewriting/subnetwork.js';
export { type NetworkInputs, type RunOptions, run, trace } from './run.js';
export {
  type QuantizedNetworkInputs,
  type RunQuantizedOptions,
  runQuantized,
} from './run-quantized.js';
export { inferShapes } from './shapes.js';
export { randomWeights, withWeights } from './weights.js';

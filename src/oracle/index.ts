/** The oracle: is another backend right, or only rounded differently? Bounds, comparison, golden bundles. */
export * from './check.js';
export { type Difference, difference, HISTOGRAM_EDGES, type Verdict, type WorstElement } from './difference.js';
export type { Estimate } from './estimate.js';
export { type EstimateOptions, estimates, type NodeEstimate } from './estimates.js';
export { type NoiseKind, noise, noiseKinds } from './noise.js';
export { type NumberRange, type Precision, type PrecisionName, precisionNames, precisionOf } from './precision.js';
export {
  layerSuite,
  livelyWeights,
  mobilenetSuite,
  type Problem,
  type SuiteName,
  suite,
  suiteNames,
} from './suites.js';

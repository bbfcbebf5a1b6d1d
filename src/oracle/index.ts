/** The oracle: is another backend right, or only rounded differently? Bounds, comparison, golden bundles. */
export { cHeader } from './c-header.js';
export { type Cause, type CauseOptions, causeOf } from './cause.js';
export * from './check.js';
export { type Difference, difference, HISTOGRAM_EDGES, type Verdict, type WorstElement } from './difference.js';
export { differencePixels, differencePng, type MapPixels } from './difference-map.js';
export type { Estimate } from './estimate.js';
export { type EstimateOptions, estimates, type NodeEstimate } from './estimate-network.js';
export { type Explanation, explain } from './explain.js';
export * from './golden.js';
export { inOurLayout, type Layout, layouts, looksLikeNchw } from './layouts.js';
export { type Matched, matchNames, type NameMap } from './names.js';
export { type NoiseKind, noise, noiseKinds } from './noise.js';
export { type Judged, judgedLayers, patternsOf } from './patterns.js';
export { type NumberRange, type Precision, type PrecisionName, precisionNames, precisionOf } from './precision.js';
export { randomKinds } from './random-layers.js';
export {
  type LayerSuiteOptions,
  layerSuite,
  livelyWeights,
  type MobilenetSuiteOptions,
  mobilenetSuite,
  type Problem,
  type ShapeSet,
  type SuiteName,
  shapeSets,
  suiteNames,
} from './suites.js';

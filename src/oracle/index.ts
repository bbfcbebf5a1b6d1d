/** The oracle: is another backend right, or only rounded differently? Bounds, comparison, golden bundles. */
export { cHeader } from './c-header.js';
export { type Cause, type CauseOptions, causeOf } from './cause.js';
export {
  type CheckOptions,
  check,
  type Expected,
  isWrong,
  type LayerReport,
  type Mode,
  type Report,
  report,
} from './check.js';
export { type Difference, difference, type Verdict, type WorstElement } from './difference.js';
export { differencePng, type MapPixels } from './difference-map.js';
export type { Estimate } from './estimate.js';
export type { EstimateOptions, NodeEstimate } from './estimate-network.js';
export { type Explanation, explain } from './explain.js';
export {
  checkGolden,
  type Golden,
  type GoldenOptions,
  type GoldenSource,
  makeGolden,
  readGolden,
  type WriteGoldenOptions,
  writeGolden,
} from './golden.js';
export type { Layout } from './layouts.js';
export type { Matched, NameMap } from './names.js';
export { type NoiseKind, noise } from './noise.js';
export type { Judged } from './patterns.js';
export { type NumberRange, type Precision, type PrecisionName, precisionOf } from './precision.js';
export {
  type LayerSuiteOptions,
  layerSuite,
  type MobilenetSuiteOptions,
  mobilenetSuite,
  type Problem,
  type ShapeSet,
  type SuiteName,
} from './suites.js';

/**
 * The oracle: is another backend right, or only rounded differently? Golden bundles are made, read and written; `check` judges what a
 * backend has computed and `explain` says why it is wrong; the suites are problems to try; `reduce` finds the smallest that still fails.
 */
export type { Cause } from './cause.js';
export { type CheckOptions, check, type Subject } from './check.js';
export type { Difference, Verdict, WorstElement } from './difference.js';
export { type Explanation, explain } from './explain.js';
export {
  type Golden,
  type GoldenOptions,
  makeGolden,
  readGolden,
  type WriteGoldenOptions,
  writeGolden,
} from './golden.js';
export type { GoldenSource } from './golden-parts.js';
export type { QuantizedSubject } from './integers/check-quantized.js';
export type { QuantizedGolden, QuantizedGoldenOptions } from './integers/quantized-golden.js';
export type { NoiseKind } from './noise.js';
export type { Precision, PrecisionName } from './precision.js';
export { type Backend, type Reduced, type ReduceOptions, reduce } from './reduce/reduce.js';
export type { LayerReport, Mode, Report } from './report.js';
export {
  type LayerSuiteOptions,
  layerSuite,
  type MobilenetSuiteOptions,
  mobilenetSuite,
  type Problem,
  type ShapeSet,
} from './suites.js';

/** Evaluation of detectors and segmenters by the rules of their data sets. */
export { crowdOverlap, inclusiveOverlap, type PixelBox, pixelOverlap } from './boxes.js';
export { type CocoEvaluation, type CocoNumbers, evaluateCoco } from './coco.js';
export { ConfusionMatrix, IGNORED_LABEL, type MeanRule } from './confusion.js';
export type { BoxedDetection, BoxedTruth } from './truth.js';
export { evaluateVoc, type VocEvaluation, type VocPrecision } from './voc.js';

/** Evaluation of detectors and segmenters by the rules of their data sets. */
export { crowdOverlap, type PixelBox, pixelOverlap } from './boxes.js';
export { type CocoEvaluation, type CocoNumbers, evaluateCoco } from './coco.js';
export { type BoxedPicture, type BoxedSet, readCoco } from './coco-files.js';
export { ConfusionMatrix, IGNORED_LABEL, type MeanRule } from './confusion.js';
export type { BoxedDetection, BoxedTruth } from './truth.js';
export { evaluateVoc, type VocEvaluation, type VocPrecision } from './voc.js';
export { readVoc, type VocAnnotation, type VocObject } from './voc-files.js';
export { vocName } from './voc-names.js';

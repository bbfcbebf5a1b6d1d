/** Object detection with SSD: anchors, decoding of boxes, suppression, labels. All pure functions. */
export * from '../models/anchors.js';
export * from './boxes.js';
export * from './detect.js';
export { drawDetections } from './draw.js';
export * from './labels.js';
export * from './post-process.js';
export * from './suppression.js';

/** `depthwise/detection`: object detection with SSD. Anchors, decoding, suppression, drawing. All pure functions. */
export { type AnchorOptions, type AnchorShape, anchors } from '../network/anchors.js';
export type { Corners } from './boxes.js';
export { type DetectOptions, detect } from './detect.js';
export { type Box, type BoxOptions, type Detection, detections } from './detections.js';
export { drawDetections } from './draw.js';
export { type Background, type Found, type Suppression, suppress } from './suppression.js';

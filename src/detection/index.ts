/** `depthwise/detection`: object detection with SSD. Decoding, suppression, drawing. All pure functions. */
export type { Corners } from './boxes.js';
export { type DetectOptions, detect } from './detect.js';
export { type Box, type BoxOptions, type Detection, detections } from './detections.js';
export { drawDetections } from './draw.js';
export type { Background, Suppression } from './suppression.js';

/** `depthwise/detection`: object detection with SSD. Anchors, decoding, suppression, drawing. All pure functions. */
export { type AnchorOptions, type AnchorShape, anchors, ssdAnchors } from '../models/anchors.js';
export { type Corners, decodeBoxes } from './boxes.js';
export { type Box, type BoxOptions, type Detection, type DetectOptions, detect, detections } from './detect.js';
export { drawDetections } from './draw.js';
export { type Background, type Found, type Suppression, suppress, TENSORFLOW_SUPPRESSION } from './suppression.js';

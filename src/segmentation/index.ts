/** `depthwise/segmentation`: the class of each pixel, and its colours. All pure functions. */
export { cutOut } from './cut-out.js';
export type { ClassShare, LabelMap } from './labels.js';
export { type OverlayOptions, overlay } from './overlay.js';
export type { Colour } from './palette.js';
export { type SegmentOptions, segment } from './segment.js';
export { type NamedShare, type PixelOptions, type Segmentation, segmentation } from './segmentation.js';

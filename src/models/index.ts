/** The papers' networks, as data: each function returns a Network without weights. */
export { type DeeplabV3Options, deeplabV3 } from './deeplab-v3.js';
export { type MobilenetV1Options, mobilenetV1 } from './mobilenet-v1.js';
export { type MobilenetV2Options, mobilenetV2 } from './mobilenet-v2.js';
export { type Architecture, mobilenet, type StandardName } from './names.js';
export type { MobilenetOptions, ModelConventions, OutputStride } from './options.js';
export { type SsdOptions, ssd } from './ssd.js';

/** The papers' networks, as data: each function returns a Network without weights. */
export * from './channels.js';
export { type DeeplabV3Options, deeplabV3 } from './deeplab-v3.js';
export { type MobilenetV1Options, mobilenetV1, TABLE_1 } from './mobilenet-v1.js';
export { type MobilenetV2Options, mobilenetV2, TABLE_2 } from './mobilenet-v2.js';
export * from './names.js';
export {
  type MobilenetOptions,
  type ModelConventions,
  modelConventions,
  type OutputStride,
  outputStrides,
} from './options.js';
export { SSD_EXTRAS, type SsdOptions, ssd } from './ssd.js';

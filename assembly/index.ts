/**
 * Every kernel that the engine can call. Pointers are bytes, sizes are numbers; nothing here knows shapes, padding
 * words or networks.
 */
export { convolution } from './convolution';
export { dense } from './dense';
export { depthwise } from './depthwise';
export { addAll, affine, argMax, hard, multiply, sigmoid, softmax } from './elementwise';
export {
  copyRuns, nhwcToPlanes, nhwcToQuads, packPanels, quadsToNhwc, repeatChannels, padPicture, zeroMargins,
} from './layout';
export { pointwise } from './pointwise';
export { globalAveragePool, pool } from './pool';
export { resizeBilinear } from './resize';

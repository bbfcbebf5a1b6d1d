/**
 * The kernels that compute on 8-bit integers, a module of their own: a page that runs networks of real numbers does
 * not carry them.
 */
export { zeroMargins } from '../layout';
export { convolution } from './convolution';
export { dense } from './dense';
export { depthwise } from './depthwise';
export { add, lookup, lookupQuads, multiply } from './elementwise';
export { bytesToPicture, bytesToQuads, copyRuns, quadsToBytes, quadsToPlanes, repeatBytes } from './layout';
export { pointwise } from './pointwise';
export { pointwiseBytes, pointwiseDots, probe, quadsToByteQuads } from './pointwise-bytes';
export { averages, means, pool, sums } from './pool';
export { argMax, resizeArgMax, resizeBilinear } from './resize';

/** The kernels of a training step, a module of its own: a page that only runs networks does not carry them. */
export { normalise, normaliseBackward } from './batchNorm';
export { depthwiseGroups, depthwiseInputGradient, depthwiseWeightGradient } from './depthwise';
export {
  addMaps, biasForward, biasGradient, clampBackward, clampForward, copyBytes, copyRows, fakeQuantize, poolBackward,
  poolForward, zeroBytes,
} from './elementwise';
export { fromGroups, packTransposedWeights, packWeights, toGroups, turnFilters, unpackWeights } from './layout';
export { product, weightGradient } from './matrix';
export { addPatches, toPatches } from './patches';

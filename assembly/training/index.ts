/** The kernels of a training step, a module of its own: a page that only runs networks does not carry them. */
export { normalise, normaliseBackward } from './batchNorm';
export { depthwise, depthwiseInputGradient, depthwiseWeightGradient } from './depthwise';
export { addMaps, biasForward, biasGradient, clampBackward, clampForward, copyRows, poolBackward, poolForward } from './elementwise';
export { fromGroups, packPanels, packTransposed, toGroups, turnFilters, unpackPanels } from './layout';
export { product, weightGradient } from './matrix';
export { addPatches, toPatches } from './patches';

/** The problems of every kernel that the trainer calls. */
import type { Family } from '../problem.js';
import { normalise, normaliseBackward } from './batchNorm.js';
import { depthwise, depthwiseInputGradient, depthwiseWeightGradient } from './depthwise.js';
import {
  addMaps,
  biasForward,
  biasGradient,
  clampBackward,
  clampForward,
  copyRows,
  poolBackward,
  poolForward,
} from './elementwise.js';
import { fromGroups, packPanels, packTransposed, toGroups, turnFilters, unpackPanels } from './layout.js';
import { product, weightGradient } from './matrix.js';
import { addPatches, toPatches } from './patches.js';

export const trainingFamilies: readonly Family[] = [
  product,
  weightGradient,
  normalise,
  normaliseBackward,
  depthwise,
  depthwiseWeightGradient,
  depthwiseInputGradient,
  toPatches,
  addPatches,
  clampForward,
  clampBackward,
  addMaps,
  copyRows,
  biasForward,
  biasGradient,
  poolForward,
  poolBackward,
  packPanels,
  packTransposed,
  unpackPanels,
  turnFilters,
  toGroups,
  fromGroups,
];

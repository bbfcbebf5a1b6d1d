/** The problems of every kernel that the trainer calls. */
import type { Family } from '../problem.js';
import { normalise, normaliseBackward } from './batchNorm.js';
import { depthwiseGroups, depthwiseInputGradient, depthwiseWeightGradient } from './depthwise.js';
import {
  addMaps,
  biasForward,
  biasGradient,
  clampBackward,
  clampForward,
  copyBytes,
  copyRows,
  fakeQuantize,
  poolBackward,
  poolForward,
  zeroBytes,
} from './elementwise.js';
import { fromGroups, packTransposedWeights, packWeights, toGroups, turnFilters, unpackWeights } from './layout.js';
import { product, weightGradient } from './matrix.js';
import { addPatches, toPatches } from './patches.js';

export const trainingFamilies: readonly Family[] = [
  product,
  weightGradient,
  normalise,
  normaliseBackward,
  depthwiseGroups,
  depthwiseWeightGradient,
  depthwiseInputGradient,
  toPatches,
  addPatches,
  clampForward,
  clampBackward,
  fakeQuantize,
  addMaps,
  zeroBytes,
  copyBytes,
  copyRows,
  biasForward,
  biasGradient,
  poolForward,
  poolBackward,
  packWeights,
  packTransposedWeights,
  unpackWeights,
  turnFilters,
  toGroups,
  fromGroups,
];

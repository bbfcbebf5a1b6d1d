/** The problems of every kernel that the engine calls. */
import type { Family } from '../problem.js';
import { convolution } from './convolution.js';
import { dense } from './dense.js';
import { depthwise } from './depthwise.js';
import { addAll, affine, argMax, hard, multiply, sigmoid, softmax } from './elementwise.js';
import {
  copyRuns,
  nhwcToPlanes,
  nhwcToQuads,
  packPanels,
  padPicture,
  quadsToNhwc,
  repeatChannels,
  zeroMargins,
} from './layout.js';
import { pointwise } from './pointwise.js';
import { globalAveragePool, pool } from './pool.js';
import { resizeBilinear } from './resize.js';

export const families: readonly Family[] = [
  pointwise,
  convolution,
  depthwise,
  dense,
  addAll,
  multiply,
  hard,
  affine,
  sigmoid,
  softmax,
  argMax,
  pool,
  globalAveragePool,
  resizeBilinear,
  packPanels,
  nhwcToQuads,
  quadsToNhwc,
  nhwcToPlanes,
  copyRuns,
  repeatChannels,
  padPicture,
  zeroMargins,
];

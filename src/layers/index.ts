/** Every layer, by the name its kind has in a network. */
import * as add from './add.js';
import * as argMax from './argMax.js';
import * as averagePool from './averagePool.js';
import * as batchNorm from './batchNorm.js';
import * as clamp from './clamp.js';
import * as concat from './concat.js';
import * as conv2d from './conv2d.js';
import * as dense from './dense.js';
import * as depthwiseConv2d from './depthwiseConv2d.js';
import * as dropout from './dropout.js';
import * as flatten from './flatten.js';
import * as globalAveragePool from './globalAveragePool.js';
import * as maxPool from './maxPool.js';
import * as pad from './pad.js';
import * as pointwiseConv2d from './pointwiseConv2d.js';
import * as relu from './relu.js';
import * as relu6 from './relu6.js';
import * as reshape from './reshape.js';
import * as resizeBilinear from './resizeBilinear.js';
import * as sigmoid from './sigmoid.js';
import * as softmax from './softmax.js';

export * as costs from './costs.js';
export { type Cost, FREE, type Layer, type NoAttributes, type WeightShapes } from './layer.js';
export {
  add,
  argMax,
  averagePool,
  batchNorm,
  clamp,
  concat,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  globalAveragePool,
  maxPool,
  pad,
  pointwiseConv2d,
  relu,
  relu6,
  reshape,
  resizeBilinear,
  sigmoid,
  softmax,
};

export const layers = {
  conv2d,
  depthwiseConv2d,
  pointwiseConv2d,
  batchNorm,
  relu,
  relu6,
  clamp,
  sigmoid,
  add,
  concat,
  pad,
  averagePool,
  maxPool,
  globalAveragePool,
  dense,
  flatten,
  reshape,
  dropout,
  softmax,
  resizeBilinear,
  argMax,
} as const;

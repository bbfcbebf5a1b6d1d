import * as kinds from './kinds.js';

export * as backward from './backward.js';
export { type Cost, cost } from './cost.js';
export * as costs from './costs.js';
export * from './kinds.js';
export type { Backward, Facts, Gradients, KernelWeights, Layer, NoAttributes, WeightShapes } from './layer.js';
export { type Training, type TrainingPass, training } from './training.js';

/** Every layer, by the name its kind has in a network. An object, of which a bundler makes less than of a module's namespace. */
export const layers: { readonly [Kind in keyof typeof kinds]: (typeof kinds)[Kind] } = {
  add: kinds.add,
  argMax: kinds.argMax,
  averagePool: kinds.averagePool,
  batchNorm: kinds.batchNorm,
  clamp: kinds.clamp,
  concat: kinds.concat,
  conv2d: kinds.conv2d,
  dense: kinds.dense,
  depthwiseConv2d: kinds.depthwiseConv2d,
  dropout: kinds.dropout,
  flatten: kinds.flatten,
  globalAveragePool: kinds.globalAveragePool,
  hardSigmoid: kinds.hardSigmoid,
  hardSwish: kinds.hardSwish,
  maxPool: kinds.maxPool,
  multiply: kinds.multiply,
  pad: kinds.pad,
  pointwiseConv2d: kinds.pointwiseConv2d,
  relu: kinds.relu,
  relu6: kinds.relu6,
  reshape: kinds.reshape,
  resizeBilinear: kinds.resizeBilinear,
  sigmoid: kinds.sigmoid,
  softmax: kinds.softmax,
};

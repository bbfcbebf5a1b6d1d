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
export {
  type Backward,
  type Cost,
  FREE,
  type Gradients,
  type Layer,
  type NoAttributes,
  type WeightShapes,
} from './layer.js';
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

/**
 * What describes a network and runs it. The functions are named one by one, `cost` and `backward` apart, so that a page that only infers
 * is not made to load what counts and what trains.
 */
export const layers = {
  conv2d: {
    weightShapes: conv2d.weightShapes,
    outputShape: conv2d.outputShape,
    forward: conv2d.forward,
  },
  depthwiseConv2d: {
    weightShapes: depthwiseConv2d.weightShapes,
    outputShape: depthwiseConv2d.outputShape,
    forward: depthwiseConv2d.forward,
  },
  pointwiseConv2d: {
    weightShapes: pointwiseConv2d.weightShapes,
    outputShape: pointwiseConv2d.outputShape,
    forward: pointwiseConv2d.forward,
  },
  batchNorm: {
    weightShapes: batchNorm.weightShapes,
    outputShape: batchNorm.outputShape,
    forward: batchNorm.forward,
  },
  relu: { outputShape: relu.outputShape, forward: relu.forward },
  relu6: { outputShape: relu6.outputShape, forward: relu6.forward },
  clamp: { outputShape: clamp.outputShape, forward: clamp.forward },
  sigmoid: { outputShape: sigmoid.outputShape, forward: sigmoid.forward },
  add: { outputShape: add.outputShape, forward: add.forward },
  concat: { outputShape: concat.outputShape, forward: concat.forward },
  pad: { outputShape: pad.outputShape, forward: pad.forward },
  averagePool: { outputShape: averagePool.outputShape, forward: averagePool.forward },
  maxPool: { outputShape: maxPool.outputShape, forward: maxPool.forward },
  globalAveragePool: {
    outputShape: globalAveragePool.outputShape,
    forward: globalAveragePool.forward,
  },
  dense: { weightShapes: dense.weightShapes, outputShape: dense.outputShape, forward: dense.forward },
  flatten: { outputShape: flatten.outputShape, forward: flatten.forward },
  reshape: { outputShape: reshape.outputShape, forward: reshape.forward },
  dropout: { outputShape: dropout.outputShape, forward: dropout.forward },
  softmax: { outputShape: softmax.outputShape, forward: softmax.forward },
  resizeBilinear: {
    outputShape: resizeBilinear.outputShape,
    forward: resizeBilinear.forward,
  },
  argMax: { outputShape: argMax.outputShape, forward: argMax.forward },
} as const;

/** Multiply-adds and parameters of every layer, by the same names. */
export const cost = {
  conv2d: conv2d.cost,
  depthwiseConv2d: depthwiseConv2d.cost,
  pointwiseConv2d: pointwiseConv2d.cost,
  batchNorm: batchNorm.cost,
  relu: relu.cost,
  relu6: relu6.cost,
  clamp: clamp.cost,
  sigmoid: sigmoid.cost,
  add: add.cost,
  concat: concat.cost,
  pad: pad.cost,
  averagePool: averagePool.cost,
  maxPool: maxPool.cost,
  globalAveragePool: globalAveragePool.cost,
  dense: dense.cost,
  flatten: flatten.cost,
  reshape: reshape.cost,
  dropout: dropout.cost,
  softmax: softmax.cost,
  resizeBilinear: resizeBilinear.cost,
  argMax: argMax.cost,
} as const;

export const backward = {
  conv2d: conv2d.backward,
  depthwiseConv2d: depthwiseConv2d.backward,
  pointwiseConv2d: pointwiseConv2d.backward,
  batchNorm: batchNorm.backward,
  relu: relu.backward,
  relu6: relu6.backward,
  clamp: clamp.backward,
  sigmoid: sigmoid.backward,
  add: add.backward,
  concat: concat.backward,
  pad: pad.backward,
  averagePool: averagePool.backward,
  maxPool: maxPool.backward,
  globalAveragePool: globalAveragePool.backward,
  dense: dense.backward,
  flatten: flatten.backward,
  reshape: reshape.backward,
  dropout: dropout.backward,
  softmax: softmax.backward,
  resizeBilinear: resizeBilinear.backward,
  argMax: argMax.backward,
} as const;

/** The integer form of every layer that has one, by the name its kind has in a network. */
import { forward as add } from './add.js';
import { forward as argMax } from './argMax.js';
import { forward as averagePool } from './averagePool.js';
import { forward as clamp, relu, relu6 } from './clamp.js';
import { forward as concat } from './concat.js';
import { forward as conv2d } from './conv2d.js';
import { forward as dense } from './dense.js';
import { forward as depthwiseConv2d } from './depthwiseConv2d.js';
import { forward as dequantize } from './dequantize.js';
import { forward as globalAveragePool } from './globalAveragePool.js';
import { forward as hardSwish } from './hardSwish.js';
import { forward as maxPool } from './maxPool.js';
import { forward as multiply } from './multiply.js';
import { forward as pad } from './pad.js';
import { forward as pointwiseConv2d } from './pointwiseConv2d.js';
import { forward as quantize } from './quantize.js';
import { dropout, flatten, forward as reshape } from './reshape.js';
import { forward as resizeBilinear } from './resizeBilinear.js';
import { forward as sigmoid } from './sigmoid.js';
import { forward as softmax } from './softmax.js';

export { type Rounding, roundings } from './fixed-point.js';

export const integerLayers = {
  conv2d,
  depthwiseConv2d,
  pointwiseConv2d,
  relu,
  relu6,
  clamp,
  sigmoid,
  hardSwish,
  add,
  multiply,
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
  quantize,
  dequantize,
} as const;

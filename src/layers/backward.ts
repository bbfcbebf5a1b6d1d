/**
 * The backward half of every layer, one line each. They stand apart from `kinds.ts` so that a page that only infers does not load what trains.
 */
export { backward as add } from './add.js';
export { backward as argMax } from './argMax.js';
export { backward as averagePool } from './averagePool.js';
export { backward as batchNorm } from './batchNorm.js';
export { backward as clamp } from './clamp.js';
export { backward as concat } from './concat.js';
export { backward as conv2d } from './conv2d.js';
export { backward as dense } from './dense.js';
export { backward as depthwiseConv2d } from './depthwiseConv2d.js';
export { backward as dropout } from './dropout.js';
export { backward as flatten } from './flatten.js';
export { backward as globalAveragePool } from './globalAveragePool.js';
export { backward as hardSigmoid } from './hardSigmoid.js';
export { backward as hardSwish } from './hardSwish.js';
export { backward as maxPool } from './maxPool.js';
export { backward as multiply } from './multiply.js';
export { backward as pad } from './pad.js';
export { backward as pointwiseConv2d } from './pointwiseConv2d.js';
export { backward as relu } from './relu.js';
export { backward as relu6 } from './relu6.js';
export { backward as reshape } from './reshape.js';
export { backward as resizeBilinear } from './resizeBilinear.js';
export { backward as sigmoid } from './sigmoid.js';
export { backward as softmax } from './softmax.js';

/** The rule of every layer kind, and how it is applied to a node. */
import { UsageError } from '../errors.js';
import type { AttributesOf, LayerKind, NetworkNode } from '../network/index.js';
import { atNode, layerOf } from '../network/shapes.js';
import type { Tensor } from '../tensor.js';
import type { Estimate } from './estimate.js';
import { sigmoid, softmax } from './exponentials.js';
import { argMax, clamp, move, pad } from './moves.js';
import type { Precision } from './precision.js';
import { hardSigmoid, hardSwish, multiply } from './products.js';
import { resizeBilinear } from './resize.js';
import type { Rule } from './rule.js';
import { add, allButLast, batchNorm, mean, productSum, taps } from './sums.js';

type Attributes<Kind extends LayerKind> = AttributesOf<Kind>;

const rules: { readonly [Kind in LayerKind]?: Rule<Attributes<Kind>> } = {
  conv2d: productSum(allButLast),
  depthwiseConv2d: productSum(taps),
  pointwiseConv2d: productSum(allButLast),
  dense: productSum(allButLast),
  batchNorm,
  add,
  averagePool: mean(({ poolSize }) => poolSize[0] * poolSize[1]),
  globalAveragePool: mean((_, [, H, W]) => H * W),
  relu: clamp(() => [0, Infinity]),
  relu6: clamp(() => [0, 6]),
  clamp: clamp(({ min, max }) => [min, max]),
  maxPool: move,
  concat: move,
  flatten: move,
  reshape: move,
  dropout: move,
  pad,
  argMax,
  sigmoid,
  softmax,
  resizeBilinear,
  multiply,
  hardSigmoid,
  hardSwish,
};

/** What is known of a node's output, from what is known of its inputs. Throws a UsageError for a kind without a rule. */
export function estimateNode(
  node: NetworkNode,
  inputs: readonly Estimate[],
  weights: Readonly<Record<string, Tensor>>,
  precision: Precision,
): Estimate {
  // Node, layer and rule agree by the tables' types, which TypeScript cannot follow through the lookup.
  const attributes = node.attributes as object;
  const rule = rules[node.kind] as unknown as Rule<object> | undefined;
  if (rule === undefined)
    throw new UsageError(`${node.name}: there is no error bound for layers of kind '${node.kind}'`);
  const layer = layerOf(node);
  const forward = (tensors: readonly Tensor[], itsWeights: object = {}, itsAttributes = attributes) =>
    layer.forward(tensors, itsWeights, itsAttributes);
  return atNode(node, () => rule({ inputs, weights, attributes, precision, forward }));
}

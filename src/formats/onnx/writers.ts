/** Each kind of layer as ONNX operators. */

import type { AttributesOf, NetworkNode, NodeOf } from '../../network/index.js';
import { type Padding, type Pair, slideWindows } from '../../padding.js';
import { sizeOf, tensor } from '../../tensor.js';
import { completeNorm, scaleAndShift } from '../affine.js';
import { asFloat32 } from '../tensors/numbers.js';
import type { Writers } from '../writers.js';
import type { AttributeValue } from './encode.js';
import { type OnnxGraph, TO_NCHW, TO_NHWC } from './onnx-graph.js';

export const writers: Writers<OnnxGraph> = {
  conv2d(graph, node) {
    const { kernelSize, dilation } = node.attributes;
    const attributes = { ...window(graph, node, kernelSize, dilation), dilations: [...dilation] };
    graph.result(node, 'Conv', [input(graph, node), graph.kernel(node, [3, 2, 0, 1]), ...graph.bias(node)], attributes);
  },

  depthwiseConv2d(graph, node) {
    const { kernelSize, dilation, depthMultiplier } = node.attributes;
    const channels = graph.shapeOf(node.inputs[0])[3];
    const kernel = graph.kernel(node, [2, 3, 0, 1], [channels * depthMultiplier, 1, ...kernelSize]);
    const attributes = { ...window(graph, node, kernelSize, dilation), dilations: [...dilation], group: channels };
    graph.result(node, 'Conv', [input(graph, node), kernel, ...graph.bias(node)], attributes);
  },

  pointwiseConv2d: pointwise,

  batchNorm(graph, node) {
    const C = graph.shapeOf(node.name).at(-1)!;
    const constant = (name: string, data: ArrayLike<number>) =>
      graph.constant(`${node.name}/${name}`, tensor([C], Float64Array.from(data)));
    if (graph.shapeOf(node.name).length === 4 || graph.shapeOf(node.name).length === 2) {
      const weights = completeNorm(C, (weight) => graph.weight(node, weight));
      const names = weights.map(([name, { data }]) => constant(name, data));
      const attributes = { epsilon: { float: asFloat32(node.attributes.epsilon, `${node.name}: epsilon`) } };
      graph.result(node, 'BatchNormalization', [input(graph, node), ...names], attributes);
      return;
    }
    // ONNX normalises axis 1; for the last axis of other tensors, the same as one product and one sum.
    const { scale, shift } = scaleAndShift(node, (weight) => graph.weight(node, weight));
    const product = [input(graph, node), constant('scale', scale.data)];
    const scaled = graph.node('Mul', product, graph.unique(`${node.name}/scaled`));
    graph.result(node, 'Add', [scaled, constant('shift', shift.data)]);
  },

  relu: (graph, node) => graph.result(node, 'Relu', [input(graph, node)]),
  relu6: (graph, node) => clip(graph, node, 0, 6),
  clamp: (graph, node) => clip(graph, node, node.attributes.min, node.attributes.max),
  sigmoid: (graph, node) => graph.result(node, 'Sigmoid', [input(graph, node)]),
  hardSigmoid: (graph, node) => graph.result(node, 'HardSigmoid', [input(graph, node)], SIXTH),
  hardSwish(graph, node) {
    if (graph.hasIntegers) {
      graph.result(node, 'HardSwish', [input(graph, node)]);
      return;
    }
    const gate = graph.node('HardSigmoid', [input(graph, node)], graph.unique(`${node.name}/gate`), SIXTH);
    graph.result(node, 'Mul', [input(graph, node), gate]);
  },
  multiply: (graph, node) =>
    graph.result(
      node,
      'Mul',
      node.inputs.map((name) => graph.nameOf(name)),
    ),
  softmax: (graph, node) => graph.result(node, 'Softmax', [input(graph, node)], { axis: channelAxis(graph, node) }),
  dropout(graph, node) {
    const ratio = graph.number(node, 'rate', node.attributes.rate);
    graph.result(node, 'Dropout', [input(graph, node), ratio]);
  },
  add(graph, node) {
    const inputs = node.inputs.map((name) => graph.nameOf(name));
    graph.result(node, inputs.length === 2 ? 'Add' : 'Sum', inputs);
  },

  concat(graph, node) {
    const rank = graph.shapeOf(node.name).length;
    const ours = node.attributes.axis < 0 ? node.attributes.axis + rank : node.attributes.axis;
    const axis = rank === 4 ? TO_NCHW.indexOf(ours) : ours;
    graph.result(
      node,
      'Concat',
      node.inputs.map((name) => graph.nameOf(name)),
      { axis },
    );
  },

  pad(graph, node) {
    const { padding, value } = node.attributes;
    const { top, bottom, left, right } = padding;
    const pads = graph.constant(`${node.name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
    graph.result(node, 'Pad', [input(graph, node), pads, graph.number(node, 'value', value)]);
  },

  averagePool(graph, node) {
    const attributes = window(graph, node, node.attributes.poolSize, [1, 1]);
    const count_include_pad = node.attributes.includePadding ? 1 : 0;
    graph.result(node, 'AveragePool', [input(graph, node)], { ...attributes, count_include_pad });
  },

  maxPool(graph, node) {
    graph.result(node, 'MaxPool', [input(graph, node)], window(graph, node, node.attributes.poolSize, [1, 1]));
  },

  globalAveragePool(graph, node) {
    if (node.attributes.keepDims) {
      graph.result(node, 'GlobalAveragePool', [input(graph, node)]);
      return;
    }
    const pooled = graph.node('GlobalAveragePool', [input(graph, node)], graph.unique(`${node.name}/pooled`));
    graph.result(node, 'Flatten', [pooled]);
  },

  dense(graph, node) {
    const rank = graph.shapeOf(node.name).length;
    if (rank === 4) pointwise(graph, node);
    else if (rank === 2) {
      graph.result(node, 'Gemm', [input(graph, node), graph.kernel(node, [0, 1]), ...graph.bias(node)]);
    } else {
      const [bias] = graph.bias(node);
      const product = bias === undefined ? graph.nameOf(node.name) : graph.unique(`${node.name}/product`);
      graph.node('MatMul', [input(graph, node), graph.kernel(node, [0, 1])], product);
      if (bias !== undefined) graph.result(node, 'Add', [product, bias]);
    }
  },

  flatten: reshape,
  reshape,

  resizeBilinear(graph, node) {
    const { size, rule } = node.attributes;
    const modes = { 'tf1-legacy': 'asymmetric', 'tf1-align-corners': 'align_corners', 'half-pixel': 'half_pixel' };
    // Sizes of all four axes: onnxruntime 1.30 moves transpositions past a Resize of some axes and permutes what it does not have.
    const kept = graph.node('Shape', [input(graph, node)], graph.unique(`${node.name}/kept`), { end: 2 });
    const whole = [kept, graph.constant(`${node.name}/size`, [...size])];
    const sizes = graph.node('Concat', whole, graph.unique(`${node.name}/sizes`), { axis: 0 });
    graph.result(node, 'Resize', [input(graph, node), '', '', sizes], {
      mode: 'linear',
      coordinate_transformation_mode: modes[rule],
    });
  },

  argMax(graph, node) {
    const index = graph.unique(`${node.name}/index`);
    graph.node('ArgMax', [input(graph, node)], index, { axis: channelAxis(graph, node), keepdims: 1 });
    graph.result(node, 'Cast', [index], { to: 1 });
  },
};

/** relu6(x + 3) / 6 = x / 6 + ½, held between 0 and 1. */
const SIXTH = { alpha: { float: Math.fround(1 / 6) }, beta: { float: 0.5 } };

const input = (graph: OnnxGraph, node: NetworkNode): string => graph.nameOf(node.inputs[0]);

/** Where the last axis of ours is in the graph's tensor. */
const channelAxis = (graph: OnnxGraph, node: NetworkNode): number => (graph.shapeOf(node.name).length === 4 ? 1 : -1);

function pointwise(graph: OnnxGraph, node: NodeOf<'pointwiseConv2d' | 'dense'>): void {
  const C = graph.shapeOf(node.inputs[0]).at(-1)!;
  const O = graph.shapeOf(node.name).at(-1)!;
  graph.result(node, 'Conv', [input(graph, node), graph.kernel(node, [1, 0], [O, C, 1, 1]), ...graph.bias(node)], {
    kernel_shape: [1, 1],
  });
}

function clip(graph: OnnxGraph, node: NetworkNode, min: number, max: number): void {
  const [lower, upper] = graph.bounds(node, min, max);
  const bounds = [graph.number(node, 'min', lower), graph.number(node, 'max', upper)];
  graph.result(node, 'Clip', [input(graph, node), ...bounds]);
}

/** Padding is written out, as [top, left, bottom, right]: 'same' would be computed by every runtime anew, and not by all alike. */
function window(
  graph: OnnxGraph,
  node: NodeOf<'conv2d' | 'depthwiseConv2d' | 'averagePool' | 'maxPool'>,
  kernel: Pair,
  dilation: Pair,
): Record<string, AttributeValue> {
  const { strides, padding }: { strides: Pair; padding: Padding } = node.attributes as AttributesOf<'maxPool'>;
  const [, H, W] = graph.shapeOf(node.inputs[0]);
  const { vertical, horizontal } = slideWindows(node.name, [H, W], kernel, strides, dilation, padding);
  // Of a division that leaves a rest, no window reaches the last samples of the padding.
  const pads = [vertical.before, horizontal.before, vertical.after, horizontal.after];
  return { kernel_shape: [...kernel], strides: [...strides], pads };
}

/** Numbers keep their order in [batch, height, width, channels], and so a picture is brought there first. */
function reshape(graph: OnnxGraph, node: NodeOf<'flatten' | 'reshape'>): void {
  const from = graph.shapeOf(node.inputs[0]);
  const to = graph.shapeOf(node.name);
  let source = input(graph, node);
  if (from.length === 4)
    source = graph.node('Transpose', [source], graph.unique(`${node.name}/nhwc`), { perm: TO_NHWC });
  if (to.length === 2 && to[1] === sizeOf(from.slice(1))) {
    graph.result(node, 'Flatten', [source]);
    return;
  }
  // 0 keeps the batch
  const shape = graph.constant(`${node.name}/shape`, [0, ...to.slice(1)]);
  if (to.length !== 4) {
    graph.result(node, 'Reshape', [source, shape]);
    return;
  }
  const reshaped = graph.node('Reshape', [source, shape], graph.unique(`${node.name}/reshaped`));
  graph.result(node, 'Transpose', [reshaped], { perm: TO_NCHW });
}

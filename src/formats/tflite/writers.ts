/** Each kind of layer as TFLite operators. Kernels are OHWI, [1, H, W, C·M] and [units, inputs]. */

import type { NetworkNode, NodeOf } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import { scaleAndShift } from '../affine.js';
import { LARGEST_FLOAT32 } from '../tensors/numbers.js';
import type { Writers } from '../writers.js';
import { writtenMeanPadding, writtenPadding } from '../written-padding.js';
import { activationName } from './fusion.js';
import {
  ACTIVATIONS,
  AddOptions,
  ArgMaxOptions,
  ConcatenationOptions,
  Conv2DOptions,
  DepthwiseConv2DOptions,
  FullyConnectedOptions,
  MulOptions,
  PADDINGS,
  Pool2DOptions,
  ReducerOptions,
  ResizeBilinearOptions,
  SoftmaxOptions,
  TENSOR_TYPES,
} from './schema.js';
import { computed, openBatch, type TfliteGraph } from './tflite-graph.js';

export const writers: Writers<TfliteGraph> = {
  conv2d(graph, node) {
    const { input, padding } = graph.padded(node, writtenPadding(node, graph.shapeOf(node.inputs[0])));
    const options = { padding, ...stridesOf(node), ...dilationOf(node) };
    graph.result(node, 'CONV_2D', [input, ...graph.kernelAndBias(node, [3, 0, 1, 2])], [Conv2DOptions, options]);
  },

  pointwiseConv2d(graph, node) {
    const C = graph.shapeOf(node.inputs[0]).at(-1)!;
    const O = node.attributes.filters;
    const inputs = [graph.nameOf(node.inputs[0]), ...graph.kernelAndBias(node, [1, 0], [O, 1, 1, C])];
    const options = { padding: PADDINGS.indexOf('valid'), stride_h: 1, stride_w: 1 };
    graph.result(node, 'CONV_2D', inputs, [Conv2DOptions, options]);
  },

  depthwiseConv2d(graph, node) {
    const { kernelSize, depthMultiplier, dilation } = node.attributes;
    const channels = graph.shapeOf(node.name)[3];
    const { input, padding } = graph.padded(node, writtenPadding(node, graph.shapeOf(node.inputs[0])));
    const inputs = [input, ...graph.kernelAndBias(node, [0, 1, 2, 3], [1, ...kernelSize, channels])];
    const options = { padding, ...stridesOf(node), ...dilationOf(node), depth_multiplier: depthMultiplier };
    const isDilated = dilation.some((rate) => rate > 1);
    graph.result(node, 'DEPTHWISE_CONV_2D', inputs, [DepthwiseConv2DOptions, options], isDilated ? 2 : 1);
  },

  dense(graph, node) {
    const inputs = [graph.nameOf(node.inputs[0]), ...graph.kernelAndBias(node, [1, 0])];
    const isMatrix = graph.shapeOf(node.name).length === 2;
    const options = isMatrix ? {} : { keep_num_dims: true };
    graph.result(node, 'FULLY_CONNECTED', inputs, [FullyConnectedOptions, options], isMatrix ? 1 : 5);
  },

  batchNorm(graph, node) {
    const { scale, shift } = scaleAndShift(node, (weight) => graph.weight(node, weight));
    const isScaled = scale.data.some((value) => value !== 1);
    const isShifted = shift.data.some((value) => value !== 0);
    let input = graph.nameOf(node.inputs[0]);
    if (isScaled || !isShifted) {
      const product = [input, graph.real(`${node.name}/scale`, scale)];
      if (!isShifted) return graph.result(node, 'MUL', product, [MulOptions, {}]);
      const scaled = computed(graph.shapeOf(node.name));
      input = graph.step(`${node.name}/scaled`, 'MUL', product, scaled, { options: [MulOptions, {}] });
    }
    graph.result(node, 'ADD', [input, graph.real(`${node.name}/shift`, shift)], [AddOptions, {}]);
  },

  relu: (graph, node) => graph.result(node, 'RELU', inputsOf(graph, node)),
  relu6: (graph, node) => graph.result(node, 'RELU6', inputsOf(graph, node)),
  clamp(graph, node) {
    const { min, max } = node.attributes;
    const name = activationName(node);
    if (name !== undefined) return graph.result(node, name, inputsOf(graph, node));
    const [input] = inputsOf(graph, node);
    const larger = () => [input, graph.number(node, 'min', min)];
    const smaller = (of: string) => [of, graph.number(node, 'max', max)];
    if (max >= LARGEST_FLOAT32) return graph.result(node, 'MAXIMUM', larger());
    if (min <= -LARGEST_FLOAT32) return graph.result(node, 'MINIMUM', smaller(input));
    const raised = graph.step(
      `${node.name}/raised`,
      'MAXIMUM',
      larger(),
      graph.computed(graph.shapeOf(node.name), node.name),
    );
    graph.result(node, 'MINIMUM', smaller(raised));
  },
  sigmoid: (graph, node) => graph.result(node, 'LOGISTIC', inputsOf(graph, node)),
  hardSigmoid(graph, node) {
    const shape = graph.shapeOf(node.name);
    const raised = [...inputsOf(graph, node), graph.number(node, 'three', 3)];
    const options = [AddOptions, { fused_activation_function: ACTIVATIONS.indexOf('RELU6') }] as const;
    const line = graph.step(`${node.name}/line`, 'ADD', raised, graph.computed(shape, node.name), { options });
    graph.result(node, 'MUL', [line, graph.number(node, 'sixth', 1 / 6)], [MulOptions, {}]);
  },
  hardSwish: (graph, node) => graph.result(node, 'HARD_SWISH', inputsOf(graph, node)),
  multiply: (graph, node) => graph.result(node, 'MUL', inputsOf(graph, node), [MulOptions, {}]),
  softmax: (graph, node) => graph.result(node, 'SOFTMAX', inputsOf(graph, node), [SoftmaxOptions, { beta: 1 }]),
  dropout(graph, node) {
    if (!graph.alias(node)) reshape(graph, node);
  },

  add(graph, node) {
    const [first, second, ...others] = inputsOf(graph, node);
    let inputs = [first, second];
    for (const next of others) {
      const partial = graph.computed(graph.shapeOf(node.name), node.name);
      const sum = graph.step(`${node.name}/sum`, 'ADD', inputs, partial, { options: [AddOptions, {}] });
      inputs = [sum, next];
    }
    graph.result(node, 'ADD', inputs, [AddOptions, {}]);
  },
  concat(graph, node) {
    const axis =
      node.attributes.axis < 0 ? node.attributes.axis + graph.shapeOf(node.name).length : node.attributes.axis;
    graph.result(node, 'CONCATENATION', inputsOf(graph, node), [ConcatenationOptions, { axis }]);
  },
  pad(graph, node) {
    const { code, inputs } = graph.padding(node, node.attributes.padding, node.attributes.value);
    graph.result(node, code, inputs);
  },

  averagePool(graph, node) {
    const padding = writtenMeanPadding(node, graph.shapeOf(node.inputs[0]), 'TFLite');
    pool(graph, node, 'AVERAGE_POOL_2D', graph.padded(node, padding));
  },
  maxPool(graph, node) {
    const padding = writtenPadding(node, graph.shapeOf(node.inputs[0]));
    pool(graph, node, 'MAX_POOL_2D', graph.padded(node, padding, -LARGEST_FLOAT32));
  },
  globalAveragePool(graph, node) {
    const axes = graph.integers(`${node.name}/axes`, [1, 2]);
    const options = { keep_dims: node.attributes.keepDims };
    graph.result(node, 'MEAN', [...inputsOf(graph, node), axes], [ReducerOptions, options]);
  },

  flatten: reshape,
  reshape,

  resizeBilinear(graph, node) {
    const { size, rule } = node.attributes;
    const options = { align_corners: rule === 'tf1-align-corners', half_pixel_centers: rule === 'half-pixel' };
    const inputs = [...inputsOf(graph, node), graph.integers(`${node.name}/size`, size)];
    graph.result(node, 'RESIZE_BILINEAR', inputs, [ResizeBilinearOptions, options], rule === 'half-pixel' ? 3 : 1);
  },

  /** The operator yields integers, and drops the axis that our layer keeps. */
  argMax(graph, node) {
    const inputs = [...inputsOf(graph, node), graph.integers(`${node.name}/axis`, [-1], [])];
    const each = computed(graph.shapeOf(node.name).slice(0, -1));
    const options = { output_type: TENSOR_TYPES.indexOf('INT32') };
    const index = graph.step(
      `${node.name}/index`,
      'ARG_MAX',
      inputs,
      { ...each, type: 'INT32' },
      { options: [ArgMaxOptions, options] },
    );
    const real = graph.step(`${node.name}/real`, 'CAST', [index], each);
    graph.result(node, 'RESHAPE', [real, graph.integers(`${node.name}/shape`, openBatch(graph.shapeOf(node.name)))]);
  },
};

const inputsOf = (graph: TfliteGraph, node: NetworkNode): string[] => node.inputs.map((name) => graph.nameOf(name));

const stridesOf = ({ attributes: { strides } }: { attributes: { strides: Pair } }) => ({
  stride_h: strides[0],
  stride_w: strides[1],
});

const dilationOf = ({ attributes: { dilation } }: { attributes: { dilation: Pair } }) => ({
  dilation_h_factor: dilation[0],
  dilation_w_factor: dilation[1],
});

function pool(
  graph: TfliteGraph,
  node: NodeOf<'averagePool' | 'maxPool'>,
  code: string,
  { input, padding }: ReturnType<TfliteGraph['padded']>,
): void {
  const [height, width] = node.attributes.poolSize;
  const options = { padding, ...stridesOf(node), filter_height: height, filter_width: width };
  graph.result(node, code, [input], [Pool2DOptions, options]);
}

function reshape(graph: TfliteGraph, node: NetworkNode): void {
  const shape = graph.integers(`${node.name}/shape`, openBatch(graph.shapeOf(node.name)));
  graph.result(node, 'RESHAPE', [graph.nameOf(node.inputs[0]), shape]);
}

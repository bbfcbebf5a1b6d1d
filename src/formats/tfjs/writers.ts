/** Each kind of layer as operators of a TensorFlow graph. */

import type { NodeOf } from '../../network/index.js';
import { sizeOf, type Tensor, tensor } from '../../tensor.js';
import { completeNorm, scaleAndShift } from '../affine.js';
import { asFloat32, LARGEST_FLOAT32 } from '../tensors/numbers.js';
import type { Writers } from '../writers.js';
import { type WrittenPadding, writtenMeanPadding, writtenPadding } from '../written-padding.js';
import { alongPicture, attr, type Product, type TfjsGraph } from './tfjs-graph.js';

const NHWC = attr.text('NHWC');

export const writers: Writers<TfjsGraph> = {
  conv2d(graph, node) {
    convolution(graph, node, 'Conv2D');
  },
  depthwiseConv2d(graph, node) {
    convolution(graph, node, 'DepthwiseConv2dNative');
  },
  pointwiseConv2d: (graph, node) => pointwise(graph, node, node.inputs[0], node.name),

  batchNorm(graph, node) {
    const [, ...sizes] = graph.shapeOf(node.name);
    const constant = (name: string, x: Tensor) => graph.real(`${node.name}/${name}`, x);
    if (sizes.length === 3) {
      const weights = completeNorm(sizes[2], (weight) => graph.weight(node, weight));
      const names = weights.map(([name, x]) => constant(name, x));
      const epsilon = attr.float(asFloat32(node.attributes.epsilon, `${node.name}: epsilon`));
      const attributes = { epsilon, is_training: attr.bool(false), data_format: NHWC };
      graph.node('FusedBatchNormV3', [node.inputs[0], ...names], node.name, attributes);
      return;
    }
    // TensorFlow normalises pictures alone; for other tensors, the same as one product and one sum.
    const { scale, shift } = scaleAndShift(node, (weight) => graph.weight(node, weight));
    const scaled = graph.node('Mul', [node.inputs[0], constant('scale', scale)], graph.unique(`${node.name}/scaled`));
    graph.node('AddV2', [scaled, constant('shift', shift)], node.name);
  },

  relu: (graph, node) => graph.node('Relu', node.inputs, node.name),
  relu6: (graph, node) => graph.node('Relu6', node.inputs, node.name),
  clamp(graph, node) {
    const bound = (name: 'min' | 'max') => graph.number(node, name, node.attributes[name]);
    graph.node('ClipByValue', [node.inputs[0], bound('min'), bound('max')], node.name);
  },
  sigmoid: (graph, node) => graph.node('Sigmoid', node.inputs, node.name),
  hardSigmoid: (graph, node) => hardSigmoid(graph, node, node.name),
  hardSwish(graph, node) {
    const gate = hardSigmoid(graph, node, graph.unique(`${node.name}/gate`));
    graph.node('Mul', [node.inputs[0], gate], node.name);
  },
  multiply: (graph, node) => graph.node('Mul', node.inputs, node.name),
  softmax: (graph, node) => graph.node('Softmax', node.inputs, node.name),
  dropout: (graph, node) => graph.node('Identity', node.inputs, node.name),

  add(graph, node) {
    const [first, ...others] = node.inputs;
    others.reduce((sum, next, index) => {
      const name = index === others.length - 1 ? node.name : graph.unique(`${node.name}/sum`);
      return graph.node('AddV2', [sum, next], name);
    }, first);
  },
  concat(graph, node) {
    const axis = graph.integers(`${node.name}/axis`, [node.attributes.axis], []);
    const attributes = { N: attr.int(node.inputs.length), Tidx: { type: 'DT_INT32' } };
    graph.node('ConcatV2', [...node.inputs, axis], node.name, attributes);
  },
  pad: (graph, node) => graph.pad(node, node.attributes.padding, node.attributes.value, node.name),

  averagePool(graph, node) {
    pool(graph, node, 'AvgPool', writtenMeanPadding(node, graph.shapeOf(node.inputs[0]), 'TensorFlow'));
  },
  maxPool(graph, node) {
    pool(graph, node, 'MaxPool', writtenPadding(node, graph.shapeOf(node.inputs[0])), -LARGEST_FLOAT32);
  },
  globalAveragePool(graph, node) {
    const axes = graph.integers(`${node.name}/axes`, [1, 2]);
    graph.node('Mean', [node.inputs[0], axes], node.name, { keep_dims: attr.bool(node.attributes.keepDims) });
  },

  dense(graph, node) {
    const [input] = node.inputs;
    const shape = graph.shapeOf(input);
    if (shape.length === 2) {
      const kernel = graph.kernel(`${node.name}/kernel`, graph.weight(node, 'kernel')!);
      graph.biased(node, 'MatMul', [input, kernel], {}, node.name);
    } else if (shape.length === 4) pointwise(graph, node, input, node.name);
    else {
      // A row of positions, and back: products of matrices would take the batch apart.
      const row = graph.integers(`${node.name}/row`, [-1, 1, sizeOf(shape.slice(1, -1)), shape.at(-1)!]);
      const positions = graph.node('Reshape', [input, row], graph.unique(`${node.name}/positions`));
      const product = pointwise(graph, node, positions, graph.unique(`${node.name}/rows`));
      const back = graph.integers(`${node.name}/shape`, [-1, ...graph.shapeOf(node.name).slice(1)]);
      graph.node('Reshape', [product, back], node.name);
    }
  },

  flatten: reshape,
  reshape,

  resizeBilinear(graph, node) {
    const { size, rule } = node.attributes;
    graph.node('ResizeBilinear', [node.inputs[0], graph.integers(`${node.name}/size`, size)], node.name, {
      align_corners: attr.bool(rule === 'tf1-align-corners'),
      half_pixel_centers: attr.bool(rule === 'half-pixel'),
    });
  },
  argMax(graph, node) {
    const axis = graph.integers(`${node.name}/axis`, [-1], []);
    const index = graph.node('ArgMax', [node.inputs[0], axis], graph.unique(`${node.name}/index`));
    const real = graph.node('Cast', [index], graph.unique(`${node.name}/real`), { DstT: { type: 'DT_FLOAT' } });
    const shape = graph.integers(`${node.name}/shape`, [-1, ...graph.shapeOf(node.name).slice(1)]);
    graph.node('Reshape', [real, shape], node.name);
  },
};

/** relu6(x + 3) / 6. */
function hardSigmoid(graph: TfjsGraph, node: NodeOf<'hardSigmoid' | 'hardSwish'>, name: string): string {
  const raised = graph.node(
    'AddV2',
    [node.inputs[0], graph.number(node, 'three', 3)],
    graph.unique(`${node.name}/raised`),
  );
  const line = graph.node('Relu6', [raised], graph.unique(`${node.name}/line`));
  return graph.node('Mul', [line, graph.number(node, 'sixth', 1 / 6)], name);
}

function pointwise(graph: TfjsGraph, node: NodeOf<'pointwiseConv2d' | 'dense'>, input: string, name: string): string {
  const { shape, data } = graph.weight(node, 'kernel')!;
  const kernel = graph.kernel(`${node.name}/kernel`, tensor([1, 1, ...shape], data));
  const window = { strides: alongPicture([1, 1]), dilations: alongPicture([1, 1]), padding: attr.text('SAME') };
  return graph.biased(node, 'Conv2D', [input, kernel], { ...window, data_format: NHWC }, name);
}

function convolution(graph: TfjsGraph, node: NodeOf<'conv2d' | 'depthwiseConv2d'>, op: Product): void {
  const { strides, dilation } = node.attributes;
  const kernel = graph.kernel(`${node.name}/kernel`, graph.weight(node, 'kernel')!);
  const { input, padding } = graph.padded(node, writtenPadding(node, graph.shapeOf(node.inputs[0])));
  const attributes = { strides: alongPicture(strides), dilations: alongPicture(dilation), padding, data_format: NHWC };
  graph.biased(node, op, [input, kernel], attributes, node.name);
}

function pool(
  graph: TfjsGraph,
  node: NodeOf<'averagePool' | 'maxPool'>,
  op: string,
  written: WrittenPadding,
  value = 0,
): void {
  const { poolSize, strides } = node.attributes;
  const { input, padding } = graph.padded(node, written, value);
  const window = { ksize: alongPicture(poolSize), strides: alongPicture(strides) };
  graph.node(op, [input], node.name, { ...window, padding, data_format: NHWC });
}

function reshape(graph: TfjsGraph, node: NodeOf<'flatten' | 'reshape'>): void {
  const [, ...sizes] = graph.shapeOf(node.name);
  const wanted = sizes.length === 0 ? [sizeOf(graph.shapeOf(node.inputs[0]))] : [-1, ...sizes];
  graph.node('Reshape', [node.inputs[0], graph.integers(`${node.name}/shape`, wanted)], node.name);
}

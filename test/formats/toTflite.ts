/** A network of this library, written as a float .tflite file for another runtime to run. Batch norms have to be folded before. */
import { toFloat16 } from '../../src/formats/float16.js';
import * as schema from '../../src/formats/tflite/schema.js';
import {
  type AttributesOf,
  inferShapes,
  type LayerKind,
  type Network,
  type NetworkNode,
} from '../../src/network/index.js';
import type { ExplicitPadding, Padding } from '../../src/padding.js';
import { type Shape, sizeOf, type Tensor } from '../../src/tensor.js';
import { buildTflite, type OperatorSpec, type TensorSpec } from './tfliteBuilder.js';

export interface ToTfliteOptions {
  /** float16: constants of 16 bits, each passed through a DEQUANTIZE operator. */
  readonly weights?: 'float32' | 'float16';
}

export function toTflite(network: Network, options: ToTfliteOptions = {}): Uint8Array {
  const shapes = inferShapes(network);
  const graph = new Graph(options.weights ?? 'float32');
  for (const { name, shape } of network.inputs) graph.tensors[name] = { shape };
  for (const node of network.nodes) {
    graph.tensors[node.name] = { shape: shapes.get(node.name)! };
    const inputs = node.inputs.map((name) => ({ name, shape: shapes.get(name)! }));
    const kernel = network.weights.get(`${node.name}/kernel`);
    const bias = network.weights.get(`${node.name}/bias`);
    const write = writers[node.kind] as Writer<LayerKind> | undefined;
    if (write === undefined) throw new Error(`${node.name}: ${node.kind} is not written to .tflite`);
    write(graph, node, inputs, node.attributes, { kernel, bias });
  }
  return buildTflite({
    tensors: graph.tensors,
    operators: graph.operators,
    inputs: network.inputs.map(({ name }) => name),
    outputs: network.outputs,
  });
}

interface Source {
  readonly name: string;
  readonly shape: Shape;
}

type Writer<Kind extends LayerKind> = (
  graph: Graph,
  node: NetworkNode,
  inputs: readonly Source[],
  attributes: AttributesOf<Kind>,
  weights: { kernel: Tensor | undefined; bias: Tensor | undefined },
) => void;

class Graph {
  readonly tensors: Record<string, TensorSpec> = {};
  readonly operators: OperatorSpec[] = [];
  readonly #weights: 'float32' | 'float16';

  constructor(weights: 'float32' | 'float16') {
    this.#weights = weights;
  }

  add(code: string, inputs: readonly string[], output: string, options?: OperatorSpec['options']): void {
    this.operators.push({ code, inputs, outputs: [output], ...(options && { options }) });
  }

  /** Adds a list of integers that steers an operator, and returns its name. */
  integers(name: string, numbers: readonly number[], shape: Shape = [numbers.length]): string {
    this.tensors[name] = { shape, type: 'INT32', data: Int32Array.from(numbers) };
    return name;
  }

  /** Adds a constant and returns the name of the float32 tensor that has its values. */
  real(name: string, shape: Shape, data: ArrayLike<number>): string {
    if (this.#weights === 'float32') {
      this.tensors[name] = { shape, data: Float32Array.from(data) };
      return name;
    }
    this.tensors[`${name}/float16`] = { shape, type: 'FLOAT16', data: Uint16Array.from(data, toFloat16) };
    this.tensors[name] = { shape };
    this.add('DEQUANTIZE', [`${name}/float16`], name);
    return name;
  }

  /** The kernel in the file's layout, and the bias: of zeros where there is none, since TensorFlow Lite wants one. */
  weights(node: NetworkNode, kernel: Tensor, shape: Shape, bias: Tensor | undefined, outputs: number): string[] {
    const zeros = new Float32Array(outputs);
    return [
      this.real(`${node.name}/kernel`, shape, kernel.data),
      this.real(`${node.name}/bias`, [outputs], bias?.data ?? zeros),
    ];
  }

  /** The input after explicit padding, which is an operator of its own, and what is left of the padding. */
  padded(node: NetworkNode, { name, shape }: Source, padding: Padding): [name: string, padding: number] {
    if (typeof padding === 'string') return [name, schema.PADDINGS.indexOf(padding)];
    const padded = `${node.name}/padded`;
    const { top, bottom, left, right } = padding;
    this.tensors[padded] = { shape: [shape[0], shape[1] + top + bottom, shape[2] + left + right, shape[3]] };
    this.pad(node, name, padding, padded);
    return [padded, schema.PADDINGS.indexOf('valid')];
  }

  pad(node: NetworkNode, input: string, { top, bottom, left, right }: ExplicitPadding, output: string): void {
    const sizes = this.integers(`${node.name}/padding`, [0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    this.add('PAD', [input, sizes], output);
  }
}

const writers: { readonly [Kind in LayerKind]?: Writer<Kind> } = {
  conv2d: (graph, node, [x], { filters, strides, dilation, padding, kernelSize }, { kernel, bias }) => {
    const [input, rule] = graph.padded(node, x, padding);
    const shape = [filters, ...kernelSize, x.shape[3]];
    const weights = graph.weights(node, lastAxisFirst(kernel!), shape, bias, filters);
    graph.add('CONV_2D', [input, ...weights], node.name, [
      schema.Conv2DOptions,
      { padding: rule, ...window(strides), dilation_h_factor: dilation[0], dilation_w_factor: dilation[1] },
    ]);
  },
  pointwiseConv2d: (graph, node, [x], { filters }, { kernel, bias }) => {
    const shape = [filters, 1, 1, x.shape[3]];
    const weights = graph.weights(node, lastAxisFirst(kernel!), shape, bias, filters);
    graph.add('CONV_2D', [x.name, ...weights], node.name, [schema.Conv2DOptions, { padding: 0, ...window([1, 1]) }]);
  },
  depthwiseConv2d: (
    graph,
    node,
    [x],
    { strides, dilation, padding, kernelSize, depthMultiplier },
    { kernel, bias },
  ) => {
    const [input, rule] = graph.padded(node, x, padding);
    const channels = x.shape[3] * depthMultiplier;
    const weights = graph.weights(node, kernel!, [1, ...kernelSize, channels], bias, channels);
    graph.add('DEPTHWISE_CONV_2D', [input, ...weights], node.name, [
      schema.DepthwiseConv2DOptions,
      {
        padding: rule,
        ...window(strides),
        depth_multiplier: depthMultiplier,
        dilation_h_factor: dilation[0],
        dilation_w_factor: dilation[1],
      },
    ]);
  },
  dense: (graph, node, [x], { units }, { kernel, bias }) => {
    const weights = graph.weights(node, lastAxisFirst(kernel!), [units, x.shape.at(-1)!], bias, units);
    graph.add('FULLY_CONNECTED', [x.name, ...weights], node.name, [schema.FullyConnectedOptions, {}]);
  },
  relu: (graph, node, [x]) => graph.add('RELU', [x.name], node.name),
  relu6: (graph, node, [x]) => graph.add('RELU6', [x.name], node.name),
  sigmoid: (graph, node, [x]) => graph.add('LOGISTIC', [x.name], node.name),
  softmax: (graph, node, [x]) => graph.add('SOFTMAX', [x.name], node.name, [schema.SoftmaxOptions, { beta: 1 }]),
  dropout: (graph, node, [x]) => reshape(graph, node, x, x.shape),
  add: (graph, node, inputs) =>
    graph.add(
      'ADD',
      inputs.map(({ name }) => name),
      node.name,
      [schema.AddOptions, {}],
    ),
  concat: (graph, node, inputs, { axis }) =>
    graph.add(
      'CONCATENATION',
      inputs.map(({ name }) => name),
      node.name,
      [schema.ConcatenationOptions, { axis }],
    ),
  pad: (graph, node, [x], { padding }) => graph.pad(node, x.name, padding, node.name),
  averagePool: (graph, node, [x], attributes) => pool(graph, node, x, 'AVERAGE_POOL_2D', attributes),
  maxPool: (graph, node, [x], attributes) => pool(graph, node, x, 'MAX_POOL_2D', attributes),
  globalAveragePool: (graph, node, [x], { keepDims }) =>
    graph.add('MEAN', [x.name, graph.integers(`${node.name}/axes`, [1, 2])], node.name, [
      schema.ReducerOptions,
      { keep_dims: keepDims },
    ]),
  flatten: (graph, node, [x]) => reshape(graph, node, x, [x.shape[0], sizeOf(x.shape.slice(1))]),
  reshape: (graph, node, [x], { shape }) => reshape(graph, node, x, [x.shape[0], ...shape]),
  resizeBilinear: (graph, node, [x], { size, rule }) =>
    graph.add('RESIZE_BILINEAR', [x.name, graph.integers(`${node.name}/size`, size)], node.name, [
      schema.ResizeBilinearOptions,
      { align_corners: rule === 'tf1-align-corners', half_pixel_centers: rule === 'half-pixel' },
    ]),
};

function reshape(graph: Graph, node: NetworkNode, x: Source, shape: Shape): void {
  graph.add('RESHAPE', [x.name, graph.integers(`${node.name}/shape`, shape)], node.name);
}

function pool(graph: Graph, node: NetworkNode, x: Source, code: string, attributes: AttributesOf<'maxPool'>): void {
  const { poolSize, strides, padding } = attributes;
  if (typeof padding !== 'string') throw new Error(`${node.name}: pools with explicit padding are not written`);
  graph.add(code, [x.name], node.name, [
    schema.Pool2DOptions,
    {
      padding: schema.PADDINGS.indexOf(padding),
      ...window(strides),
      filter_height: poolSize[0],
      filter_width: poolSize[1],
    },
  ]);
}

const window = ([height, width]: readonly [number, number]) => ({ stride_h: height, stride_w: width });

/** […, I, O] to [O, …, I], as the file has its kernels. */
function lastAxisFirst({ shape, data }: Tensor): Tensor {
  const outputs = shape.at(-1)!;
  const inner = data.length / outputs;
  const moved = new Float32Array(data.length);
  for (let i = 0; i < inner; i++) {
    for (let o = 0; o < outputs; o++) moved[o * inner + i] = data[i * outputs + o];
  }
  return { shape: [outputs, ...shape.slice(0, -1)], data: moved };
}

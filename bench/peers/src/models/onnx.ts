/**
 * The network as an .onnx file for onnxruntime: NCHW after a transposition of the picture, as tf2onnx writes models from TensorFlow. Batch
 * norms stay nodes of their own; onnxruntime folds them itself, which makes it a witness of the folding in `steps.ts`.
 */
import protobuf from 'protobufjs';
import type { Network, NetworkNode } from '../../../../dist/network/index.js';
import { type Constant, type Convolution, strideOf } from './steps.js';
import { transpose } from './transpose.js';

/** The part of onnx.proto3 that is used here. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 */
const schema = protobuf.parse(
  `
  syntax = "proto3";
  message ModelProto { int64 ir_version = 1; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message GraphProto {
    repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated AttributeProto attribute = 5;
  }
  message AttributeProto {
    string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated int64 ints = 8; AttributeType type = 20;
  }
  enum AttributeType { UNDEFINED = 0; FLOAT = 1; INT = 2; STRING = 3; INTS = 7; }
  message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto { Tensor tensor_type = 1; message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; } }
  message TensorShapeProto { repeated Dimension dim = 1; message Dimension { int64 dim_value = 1; } }
`,
  { keepCase: true },
).root;

/** TensorProto.DataType. */
const FLOAT = 1;
const INT64 = 7;

/** Opset 17 of July 2022 is written with version 8 of the format. */
const OPSET = 17;
const IR_VERSION = 8;

/** The transposed picture. */
const PICTURE = 'picture_nchw';

/** A float attribute is written as {float: x}, since 1 does not say whether it is one. */
type Attribute = number | { readonly float: number } | string | readonly number[];

export function onnxOf(network: Network): Uint8Array {
  const graph = new Graph();
  const [input] = network.inputs;
  graph.add('Transpose', PICTURE, [input.name], { perm: [0, 3, 1, 2] });
  graph.alias(input.name, PICTURE);
  graph.constant('zero', [], Float32Array.of(0));
  graph.constant('six', [], Float32Array.of(6));
  for (const node of network.nodes) addNode(graph, network, node);
  return graph.encode(input, network.outputs);
}

function addNode(graph: Graph, network: Network, node: NetworkNode): void {
  const { name, inputs } = node;
  switch (node.kind) {
    case 'conv2d':
    case 'pointwiseConv2d':
    case 'depthwiseConv2d':
      addConvolution(graph, network, node);
      break;
    case 'batchNorm': {
      const constants = ['gamma', 'beta', 'movingMean', 'movingVariance'].map((key) => {
        const { shape, data } = weightOf(network, name, key);
        return graph.constant(`${name}/${key}`, shape, data);
      });
      graph.add('BatchNormalization', name, [...inputs, ...constants], { epsilon: { float: node.attributes.epsilon } });
      break;
    }
    case 'relu6':
      graph.add('Clip', name, [...inputs, 'zero', 'six']);
      break;
    case 'dropout':
      graph.alias(name, inputs[0]);
      break;
    case 'add':
      graph.add('Add', name, inputs);
      break;
    case 'globalAveragePool':
      graph.add('GlobalAveragePool', name, inputs);
      break;
    case 'reshape': {
      const sizes = BigInt64Array.from([1, ...node.attributes.shape], BigInt);
      graph.add('Reshape', name, [...inputs, graph.constant(`${name}/shape`, [sizes.length], sizes)]);
      break;
    }
    case 'softmax':
      graph.add('Softmax', name, inputs, { axis: -1 });
      break;
    default:
      throw new Error(`${name}: the peers' models have no ${node.kind}`);
  }
}

/** Kernels go from HWIO to OIHW, depthwise ones from HWC1 to C1HW. */
function addConvolution(graph: Graph, network: Network, node: Convolution): void {
  const { name, inputs, kind } = node;
  const kernel = weightOf(network, name, 'kernel');
  const depthwise = kind === 'depthwiseConv2d';
  const { shape, data } = transpose(
    kind === 'pointwiseConv2d' ? { ...kernel, shape: [1, 1, ...kernel.shape] } : kernel,
    depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1],
  );
  const constants = [graph.constant(`${name}/kernel`, shape, data)];
  if (node.attributes.bias) {
    const bias = weightOf(network, name, 'bias');
    constants.push(graph.constant(`${name}/bias`, bias.shape, bias.data));
  }
  const stride = strideOf(node);
  graph.add('Conv', name, [...inputs, ...constants], {
    auto_pad: 'SAME_UPPER',
    strides: [stride, stride],
    group: depthwise ? shape[0] : 1,
  });
}

function weightOf(network: Network, node: string, weight: string): Constant {
  const { shape, data } = network.weights.get(`${node}/${weight}`)!;
  return { shape, data: Float32Array.from(data) };
}

class Graph {
  readonly #nodes: object[] = [];
  readonly #constants: object[] = [];
  readonly #aliases = new Map<string, string>();

  add(
    operator: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    this.#nodes.push({
      op_type: operator,
      name,
      input: inputs.map((input) => this.#aliases.get(input) ?? input),
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) => ({ name: key, ...attributeOf(value) })),
    });
  }

  /** What reads `name` reads `other`. */
  alias(name: string, other: string): void {
    this.#aliases.set(name, this.#aliases.get(other) ?? other);
  }

  constant(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): string {
    const data_type = data instanceof Float32Array ? FLOAT : INT64;
    this.#constants.push({
      name,
      dims,
      data_type,
      raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    return name;
  }

  encode(input: Network['inputs'][number], outputs: readonly string[]): Uint8Array {
    const dim = input.shape.map((size) => ({ dim_value: size }));
    const Model = schema.lookupType('ModelProto');
    return Model.encode({
      ir_version: IR_VERSION,
      opset_import: [{ domain: '', version: OPSET }],
      graph: {
        name: 'mobilenet',
        node: this.#nodes,
        initializer: this.#constants,
        input: [{ name: input.name, type: { tensor_type: { elem_type: FLOAT, shape: { dim } } } }],
        output: outputs.map((name) => ({ name, type: { tensor_type: { elem_type: FLOAT } } })),
      },
    } as never).finish();
  }
}

function attributeOf(value: Attribute): object {
  const types = schema.lookupEnum('AttributeType').values;
  if (typeof value === 'number') return { i: value, type: types.INT };
  if (typeof value === 'string') return { s: new TextEncoder().encode(value), type: types.STRING };
  return 'float' in value ? { f: value.float, type: types.FLOAT } : { ints: value, type: types.INTS };
}

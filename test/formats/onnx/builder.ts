/** .onnx files of any nodes: of other domains, with several outputs, and integers as constants. */
import { PbfWriter } from 'pbf';
import {
  ATTRIBUTE_TYPES,
  AttributeProto,
  DATA_TYPES,
  DimensionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  TensorProto,
  TensorShapeProto,
  TensorTypeProto,
  TypeProto,
  ValueInfoProto,
} from '../../../src/formats/onnx/schema.js';

export interface NodeSpec {
  /** Of another domain than ONNX's with its name, as 'com.microsoft.QLinearAdd'. */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Numbers with a point are floats, written as {float: x}. */
  readonly attributes?: Readonly<
    Record<
      string,
      number | string | readonly number[] | { float: number | readonly number[] } | { graph: readonly NodeSpec[] }
    >
  >;
}

export interface ConstantSpec {
  readonly shape: readonly number[];
  readonly data: Int8Array | Uint8Array | Int32Array | BigInt64Array | Float32Array;
}

export interface OnnxSpec {
  readonly opset?: number;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Of inputs that are not of float32. */
  readonly types?: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  readonly constants?: Readonly<Record<string, ConstantSpec>>;
  readonly nodes: readonly NodeSpec[];
}

export const float = (...numbers: number[]): ConstantSpec => ({
  shape: numbers.length === 1 ? [] : [numbers.length],
  data: Float32Array.from(numbers),
});
export const uint8 = (shape: number[], ...numbers: number[]): ConstantSpec => ({
  shape,
  data: Uint8Array.from(numbers),
});
export const int8 = (shape: number[], ...numbers: number[]): ConstantSpec => ({ shape, data: Int8Array.from(numbers) });
export const int32 = (...numbers: number[]): ConstantSpec => ({
  shape: [numbers.length],
  data: Int32Array.from(numbers),
});
export const int64 = (...numbers: number[]): ConstantSpec => ({
  shape: [numbers.length],
  data: BigInt64Array.from(numbers, BigInt),
});
const TYPES = {
  Int8Array: 'INT8',
  Uint8Array: 'UINT8',
  Int32Array: 'INT32',
  BigInt64Array: 'INT64',
  Float32Array: 'FLOAT',
};

/** The file's bytes; outputs are of unknown types, which runtimes infer. */
export function onnxFile({ opset = 21, inputs, types = {}, outputs, constants = {}, nodes }: OnnxSpec): Uint8Array {
  const file = new PbfWriter();
  const graph = new PbfWriter();
  const domains = new Set(nodes.map(({ op }) => nameOf(op).domain));
  for (const node of nodes) put(graph, GraphProto.node[0], nodeMessage(node));
  for (const [name, { shape, data }] of Object.entries(constants)) {
    const tensor = new PbfWriter();
    for (const size of shape) tensor.writeVarintField(TensorProto.dims[0], size);
    tensor.writeVarintField(TensorProto.data_type[0], DATA_TYPES.indexOf(TYPES[data.constructor.name as 'Int8Array']));
    tensor.writeStringField(TensorProto.name[0], name);
    tensor.writeBytesField(TensorProto.raw_data[0], new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    put(graph, GraphProto.initializer[0], tensor);
  }
  graph.writeStringField(GraphProto.name[0], 'graph');
  for (const [name, shape] of Object.entries(inputs)) put(graph, GraphProto.input[0], value(name, shape, types[name]));
  for (const name of outputs) put(graph, GraphProto.output[0], value(name));
  file.writeVarintField(ModelProto.ir_version[0], 10);
  put(file, ModelProto.graph[0], graph);
  for (const domain of new Set(['', ...domains])) {
    const set = new PbfWriter();
    set.writeStringField(OperatorSetIdProto.domain[0], domain);
    set.writeVarintField(OperatorSetIdProto.version[0], domain === '' ? opset : 1);
    put(file, ModelProto.opset_import[0], set);
  }
  return file.finish();
}

const put = (into: PbfWriter, field: number, inner: PbfWriter) => into.writeBytesField(field, inner.finish());

function nameOf(op: string): { domain: string; name: string } {
  const { domain = '', name } = /^((?<domain>.*)\.)?(?<name>\w+)$/.exec(op)!.groups!;
  return { domain, name };
}

function nodeMessage({ op, inputs, outputs, attributes = {} }: NodeSpec): PbfWriter {
  const { domain, name } = nameOf(op);
  const node = new PbfWriter();
  for (const each of inputs) node.writeStringField(NodeProto.input[0], each);
  for (const each of outputs) node.writeStringField(NodeProto.output[0], each);
  node.writeStringField(NodeProto.op_type[0], name);
  if (domain) node.writeStringField(NodeProto.domain[0], domain);
  for (const [key, value] of Object.entries(attributes)) put(node, NodeProto.attribute[0], attribute(key, value));
  return node;
}

function attribute(name: string, value: NonNullable<NodeSpec['attributes']>[string]): PbfWriter {
  const message = new PbfWriter();
  message.writeStringField(AttributeProto.name[0], name);
  const typed = (type: (typeof ATTRIBUTE_TYPES)[number]) =>
    message.writeVarintField(AttributeProto.type[0], ATTRIBUTE_TYPES.indexOf(type));
  if (typeof value === 'number') {
    message.writeVarintField(AttributeProto.i[0], value);
    typed('INT');
  } else if (typeof value === 'string') {
    message.writeStringField(AttributeProto.s[0], value);
    typed('STRING');
  } else if ('graph' in value) {
    const graph = new PbfWriter();
    for (const node of value.graph) put(graph, GraphProto.node[0], nodeMessage(node));
    put(message, AttributeProto.g[0], graph);
    typed('GRAPH');
  } else if (!('float' in value)) {
    for (const each of value) message.writeVarintField(AttributeProto.ints[0], each);
    typed('INTS');
  } else if (typeof value.float === 'number') {
    message.writeFloatField(AttributeProto.f[0], value.float);
    typed('FLOAT');
  } else {
    for (const each of value.float) message.writeFloatField(AttributeProto.floats[0], each);
    typed('FLOATS');
  }
  return message;
}

/** A float32 tensor, or one of which only the name is known. */
function value(name: string, shape?: readonly number[], of = 'FLOAT'): PbfWriter {
  const info = new PbfWriter();
  info.writeStringField(ValueInfoProto.name[0], name);
  if (shape === undefined) return info;
  const sizes = new PbfWriter();
  for (const size of shape) {
    const dimension = new PbfWriter();
    if (size >= 0) dimension.writeVarintField(DimensionProto.dim_value[0], size); // open otherwise
    sizes.writeBytesField(TensorShapeProto.dim[0], dimension.finish());
  }
  const tensor = new PbfWriter();
  tensor.writeVarintField(TensorTypeProto.elem_type[0], DATA_TYPES.indexOf(of as 'FLOAT'));
  tensor.writeBytesField(TensorTypeProto.shape[0], sizes.finish());
  const type = new PbfWriter();
  type.writeBytesField(TypeProto.tensor_type[0], tensor.finish());
  info.writeBytesField(ValueInfoProto.type[0], type.finish());
  return info;
}

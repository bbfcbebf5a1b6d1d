/** An .onnx file as bytes: graphs of named nodes and constants. */
import type { PbfWriter } from 'pbf';
import type { IntegerArray, Shape, Tensor } from '../../tensor.js';
import { writeNumbers } from '../tensors/numbers.js';
import type { Schema } from './protobuf.js';
import {
  ATTRIBUTE_TYPES,
  AttributeProto,
  DATA_TYPES,
  DimensionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  StringStringEntryProto,
  TensorProto,
  TensorShapeProto,
  TensorTypeProto,
  TypeProto,
  ValueInfoProto,
} from './schema.js';

/** A float attribute is written as {float: x}, since 1 does not say whether it is one. */
export type AttributeValue = number | string | readonly number[] | { readonly float: number };

export interface OutNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** Constants: weights as float32, float16 or integers, sizes and axes as int64. */
export type OutConstant = Tensor | OutHalf | OutIntegers | readonly number[];

export interface OutIntegers {
  readonly integers: IntegerArray;
  readonly shape: Shape;
}

export interface OutHalf {
  readonly float16: Tensor;
}

export interface OutModel {
  readonly name: string;
  readonly opset: number;
  readonly inputs: ReadonlyMap<string, Shape>;
  readonly outputs: ReadonlyMap<string, Shape>;
  readonly constants: ReadonlyMap<string, OutConstant>;
  readonly nodes: readonly OutNode[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Version 8 of the format, of 2021: the first with operator set 15 and above. */
const IR_VERSION = 8;

export function encodeModel(model: OutModel, Writer: typeof PbfWriter): Uint8Array {
  const file = new Message(Writer);
  file.int(ModelProto, 'ir_version', IR_VERSION);
  file.text(ModelProto, 'producer_name', 'depthwise');
  file.message(ModelProto, 'graph', (graph) => encodeGraph(graph, model));
  file.message(ModelProto, 'opset_import', (set) => {
    set.text(OperatorSetIdProto, 'domain', '');
    set.int(OperatorSetIdProto, 'version', model.opset);
  });
  for (const [key, value] of model.metadata) {
    file.message(ModelProto, 'metadata_props', (entry) => {
      entry.text(StringStringEntryProto, 'key', key);
      entry.text(StringStringEntryProto, 'value', value);
    });
  }
  return file.finish();
}

function encodeGraph(graph: Message, { name, inputs, outputs, constants, nodes }: OutModel): void {
  for (const node of nodes) graph.message(GraphProto, 'node', (message) => encodeNode(message, node));
  graph.text(GraphProto, 'name', name);
  for (const [key, constant] of constants) {
    graph.message(GraphProto, 'initializer', (message) => encodeConstant(message, key, constant));
  }
  for (const [key, shape] of inputs) graph.message(GraphProto, 'input', (message) => encodeValue(message, key, shape));
  for (const [key, shape] of outputs)
    graph.message(GraphProto, 'output', (message) => encodeValue(message, key, shape));
}

function encodeNode(message: Message, { op, inputs, output, attributes }: OutNode): void {
  for (const input of inputs) message.text(NodeProto, 'input', input);
  message.text(NodeProto, 'output', output);
  message.text(NodeProto, 'name', output);
  message.text(NodeProto, 'op_type', op);
  for (const [name, value] of Object.entries(attributes)) {
    message.message(NodeProto, 'attribute', (attribute) => {
      attribute.text(AttributeProto, 'name', name);
      const type = encodeAttribute(attribute, value);
      attribute.int(AttributeProto, 'type', ATTRIBUTE_TYPES.indexOf(type));
    });
  }
}

function encodeAttribute(attribute: Message, value: AttributeValue): (typeof ATTRIBUTE_TYPES)[number] {
  if (typeof value === 'number') {
    attribute.int(AttributeProto, 'i', value);
    return 'INT';
  }
  if (typeof value === 'string') {
    attribute.text(AttributeProto, 's', value);
    return 'STRING';
  }
  if ('float' in value) {
    attribute.float(AttributeProto, 'f', value.float);
    return 'FLOAT';
  }
  for (const number of value) attribute.int(AttributeProto, 'ints', number);
  return 'INTS';
}

function encodeConstant(message: Message, name: string, constant: OutConstant): void {
  const { shape, type, bytes } = constantData(name, constant);
  for (const size of shape) message.int(TensorProto, 'dims', size);
  message.int(TensorProto, 'data_type', DATA_TYPES.indexOf(type));
  message.text(TensorProto, 'name', name);
  message.bytes(TensorProto, 'raw_data', bytes);
}

function constantData(name: string, constant: OutConstant) {
  if ('float16' in constant) {
    const { float16: x } = constant;
    return { shape: x.shape, type: 'FLOAT16', bytes: writeNumbers(x, 'float16', name) } as const;
  }
  if ('integers' in constant) {
    const { integers, shape } = constant;
    return { shape, type: integerType(integers), bytes: littleEndian(integers) } as const;
  }
  if ('shape' in constant) {
    return { shape: constant.shape, type: 'FLOAT', bytes: writeNumbers(constant, 'float32', name) } as const;
  }
  return { shape: [constant.length], type: 'INT64', bytes: int64s(constant) } as const;
}

const integerType = (numbers: IntegerArray) =>
  numbers instanceof Int8Array ? 'INT8' : numbers instanceof Uint8Array ? 'UINT8' : 'INT32';

function littleEndian(numbers: IntegerArray): Uint8Array {
  if (numbers.BYTES_PER_ELEMENT === 1) return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const view = new DataView(new ArrayBuffer(numbers.byteLength));
  for (const [i, number] of numbers.entries()) view.setInt32(4 * i, number, true);
  return new Uint8Array(view.buffer);
}

function int64s(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
}

/** The batch stays open. */
function encodeValue(message: Message, name: string, [, ...sizes]: Shape): void {
  message.text(ValueInfoProto, 'name', name);
  message.message(ValueInfoProto, 'type', (type) =>
    type.message(TypeProto, 'tensor_type', (tensorType) => {
      tensorType.int(TensorTypeProto, 'elem_type', DATA_TYPES.indexOf('FLOAT'));
      tensorType.message(TensorTypeProto, 'shape', (shape) => {
        shape.message(TensorShapeProto, 'dim', (dimension) => dimension.text(DimensionProto, 'dim_param', 'batch'));
        for (const size of sizes) {
          shape.message(TensorShapeProto, 'dim', (dimension) => dimension.int(DimensionProto, 'dim_value', size));
        }
      });
    }),
  );
}

/** Writes fields by the schema's names. */
class Message {
  readonly #Writer: typeof PbfWriter;
  readonly #writer: PbfWriter;

  constructor(Writer: typeof PbfWriter) {
    this.#Writer = Writer;
    this.#writer = new Writer();
  }

  int<Fields extends Schema>(fields: Fields, name: keyof Fields, value: number): void {
    this.#writer.writeVarintField(fields[name][0], value);
  }

  float<Fields extends Schema>(fields: Fields, name: keyof Fields, value: number): void {
    this.#writer.writeFloatField(fields[name][0], value);
  }

  text<Fields extends Schema>(fields: Fields, name: keyof Fields, value: string): void {
    this.#writer.writeStringField(fields[name][0], value);
  }

  bytes<Fields extends Schema>(fields: Fields, name: keyof Fields, value: Uint8Array): void {
    this.#writer.writeBytesField(fields[name][0], value);
  }

  message<Fields extends Schema>(fields: Fields, name: keyof Fields, write: (message: Message) => void): void {
    const inner = new Message(this.#Writer);
    write(inner);
    this.bytes(fields, name, inner.finish());
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

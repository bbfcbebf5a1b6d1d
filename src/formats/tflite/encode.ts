/** A .tflite file as bytes: tensors, operators and metadata, by the names of the schema. */
import type { Shape } from '../../tensor.js';
import type { FlatWriter, Value, Written } from './flat-writer.js';
import type { Quantization } from './model.js';
import {
  BUILTIN_OPERATORS,
  Buffer,
  FILE_IDENTIFIER,
  Metadata,
  Model,
  OPTIONS_TYPE,
  Operator,
  OperatorCode,
  QuantizationParameters,
  SubGraph,
  TENSOR_TYPES,
  TensorTable,
} from './schema.js';

export interface OutTensor {
  readonly shape: Shape;
  /** shape, with −1 where the file leaves a size open. */
  readonly shapeSignature?: Shape;
  /** A name of the schema's TensorType; FLOAT32 when left out. */
  readonly type?: string;
  /** The numbers of a constant: their bytes, or a typed array of the tensor's type. */
  readonly data?: ArrayBufferView;
  readonly quantization?: Quantization;
}

export interface OutOperator {
  /** A name of the schema's BuiltinOperator, or 'CUSTOM:name'. */
  readonly code: string;
  /** The first version of the operator that knows what is asked of it; 1 when left out. */
  readonly version?: number;
  /** Names of tensors; '' for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** An option table of the schema, and its values. */
  readonly options?: readonly [
    fields: readonly string[],
    values: Readonly<Record<string, number | boolean | readonly number[]>>,
  ];
  /** Of a custom operator, in a form of its own. */
  readonly customOptions?: Uint8Array;
}

export interface OutModel<Tensor extends OutTensor = OutTensor> {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly operators: readonly OutOperator[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, Uint8Array>>;
}

/** The version of the schema. */
const VERSION = 3;

export function encodeModel(writer: FlatWriter, model: OutModel): Uint8Array {
  const graph = encodeGraph(writer, model);
  return finishModel(writer, model, { subgraphs: writer.tables([graph]), version: VERSION });
}

/** The graph, with further fields of its tensors' tables if there are any. */
export function encodeGraph<Tensor extends OutTensor>(
  writer: FlatWriter,
  { tensors, operators, inputs, outputs }: OutModel<Tensor>,
  more: (tensor: Tensor) => Readonly<Record<string, Value>> = () => ({}),
): Written {
  const names = new Map([...tensors.keys()].map((name, index) => [name, index]));
  const codes = operatorCodes(operators);
  const indices = (wanted: readonly string[]) =>
    writer.int32s(wanted.map((name) => (name === '' ? -1 : names.get(name)!)));
  const written = operators.map((operator) => {
    const { inputs: read, outputs: made, options, customOptions } = operator;
    return writer.table(Operator, {
      opcode_index: codes.findIndex((code) => sameCode(code, operator)),
      inputs: indices(read),
      outputs: indices(made),
      ...(options && {
        builtin_options_type: OPTIONS_TYPE.get(options[0])!,
        builtin_options: encodeOptions(writer, options),
      }),
      ...(customOptions && { custom_options: writer.bytes(customOptions) }),
    });
  });
  // Buffer 0 is empty: that of computed tensors.
  const tables = [...tensors].map(([name, tensor], index) =>
    writer.table(TensorTable, {
      shape: writer.int32s(tensor.shape),
      type: TENSOR_TYPES.indexOf(tensor.type ?? 'FLOAT32'),
      buffer: index + 1,
      name: writer.string(name),
      ...(tensor.shapeSignature && { shape_signature: writer.int32s(tensor.shapeSignature) }),
      ...(tensor.quantization && { quantization: encodeQuantization(writer, tensor.quantization) }),
      ...more(tensor),
    }),
  );
  return writer.table(SubGraph, {
    tensors: writer.tables(tables),
    inputs: indices(inputs),
    outputs: indices(outputs),
    operators: writer.tables(written),
  });
}

function encodeQuantization(writer: FlatWriter, { scales, zeroPoints, axis }: Quantization): Written {
  return writer.table(QuantizationParameters, {
    scale: writer.float32s(scales),
    zero_point: writer.int64s(zeroPoints),
    quantized_dimension: axis,
  });
}

/** The file around its graphs. */
export function finishModel(
  writer: FlatWriter,
  { tensors, operators, description, metadata = {} }: OutModel,
  { subgraphs, version }: { readonly subgraphs: Written; readonly version: number },
): Uint8Array {
  const buffers = [undefined, ...[...tensors.values()].map(({ data }) => data), ...Object.values(metadata)];
  const entries = Object.keys(metadata).map((name, index) =>
    writer.table(Metadata, { name: writer.string(name), buffer: 1 + tensors.size + index }),
  );
  const root = writer.table(Model, {
    version,
    operator_codes: writer.tables(operatorCodes(operators).map((code) => encodeCode(writer, code))),
    subgraphs,
    ...(description !== undefined && { description: writer.string(description) }),
    buffers: writer.tables(buffers.map((data) => encodeBuffer(writer, data))),
    metadata: writer.tables(entries),
  });
  return writer.finish(root, FILE_IDENTIFIER);
}

type Code = Pick<OutOperator, 'code' | 'version'>;

const sameCode = (a: Code, b: Code): boolean => a.code === b.code && (a.version ?? 1) === (b.version ?? 1);

/** Each operator that is used, in each of its versions, once. */
function operatorCodes(operators: readonly OutOperator[]): Code[] {
  return operators.filter((operator, index) => operators.findIndex((other) => sameCode(other, operator)) === index);
}

/** The number stands in both fields: in that of one byte, which came first, as far as it goes. */
function encodeCode(writer: FlatWriter, { code, version = 1 }: Code): Written {
  const [name, custom] = code.split(':');
  const builtin = BUILTIN_OPERATORS.indexOf(name);
  return writer.table(OperatorCode, {
    deprecated_builtin_code: Math.min(builtin, 127),
    ...(custom && { custom_code: writer.string(custom) }),
    version,
    builtin_code: builtin,
  });
}

function encodeBuffer(writer: FlatWriter, data: ArrayBufferView | undefined): Written {
  if (data === undefined) return writer.table(Buffer, {});
  return writer.table(Buffer, { data: writer.bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) });
}

function encodeOptions(writer: FlatWriter, [fields, values]: NonNullable<OutOperator['options']>): Written {
  const written = Object.entries(values).map(
    ([field, value]) => [field, typeof value === 'object' ? writer.int32s(value) : value] as const,
  );
  return writer.table(fields, Object.fromEntries(written));
}

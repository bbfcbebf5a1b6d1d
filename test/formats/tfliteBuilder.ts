/**
 * Writes small .tflite files for tests: tensors, operators and their options by the names of the schema. LiteRT reads what this
 * writes (test/agreement), which holds the names and numbers of the schema to the original.
 */
import * as schema from '../../src/formats/tflite/schema.js';
import { FlatWriter, type Written } from './flatWriter.js';

export interface TensorSpec {
  readonly shape: readonly number[];
  /** A name of the schema's TensorType; FLOAT32 when left out. */
  readonly type?: string;
  /** The numbers of a constant, in a typed array of the tensor's type. */
  readonly data?: ArrayBufferView;
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly number[];
  /** The axis that has a scale for each index. */
  readonly axis?: number;
  readonly shapeSignature?: readonly number[];
  readonly sparse?: boolean;
}

export interface OperatorSpec {
  /** A name of the schema's BuiltinOperator, or 'CUSTOM:name'. */
  readonly code: string;
  /** Names of tensors; '' for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** An option table of the schema, and its values. */
  readonly options?: readonly [
    fields: readonly string[],
    values: Readonly<Record<string, number | boolean | readonly number[]>>,
  ];
}

export interface ModelSpec {
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  readonly operators: readonly OperatorSpec[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly metadata?: Readonly<Record<string, Uint8Array>>;
  /** How often the graph is written. */
  readonly subgraphs?: number;
  readonly version?: number;
}

export function buildTflite(model: ModelSpec): Uint8Array {
  const writer = new FlatWriter();
  const codes = [...new Set(model.operators.map(({ code }) => code))];
  const metadata = Object.entries(model.metadata ?? {});
  const buffers = [
    undefined, // buffer 0 is empty: the buffer of computed tensors
    ...Object.values(model.tensors).map(({ data }) => data),
    ...metadata.map(([, bytes]) => bytes),
  ];
  const graph = writeGraph(writer, model, codes);
  const root = writer.table(schema.Model, {
    version: model.version ?? 3,
    operator_codes: writer.tables(codes.map((code) => writeOperatorCode(writer, code))),
    subgraphs: writer.tables(Array.from({ length: model.subgraphs ?? 1 }, () => graph)),
    buffers: writer.tables(buffers.map((data) => writeBuffer(writer, data))),
    metadata: writer.tables(
      metadata.map(([name], index) =>
        writer.table(schema.Metadata, {
          name: writer.string(name),
          buffer: buffers.length - metadata.length + index,
        }),
      ),
    ),
  });
  return writer.finish(root, schema.FILE_IDENTIFIER);
}

function writeOperatorCode(writer: FlatWriter, code: string): Written {
  const [name, custom] = code.split(':');
  const builtin = schema.BUILTIN_OPERATORS.indexOf(name);
  if (builtin < 0) throw new Error(`there is no builtin operator ${name}`);
  return writer.table(schema.OperatorCode, {
    deprecated_builtin_code: Math.min(builtin, 127),
    ...(custom && { custom_code: writer.string(custom) }),
    version: 1,
    builtin_code: builtin,
  });
}

function writeBuffer(writer: FlatWriter, data: ArrayBufferView | undefined): Written {
  if (data === undefined) return writer.table(schema.Buffer, {});
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return writer.table(schema.Buffer, { data: writer.bytes(bytes) });
}

function writeGraph(writer: FlatWriter, model: ModelSpec, codes: readonly string[]): Written {
  const names = Object.keys(model.tensors);
  const indices = (wanted: readonly string[]) => {
    const missing = wanted.find((name) => name !== '' && !names.includes(name));
    if (missing !== undefined) throw new Error(`no tensor is called '${missing}'`);
    return writer.int32s(wanted.map((name) => names.indexOf(name)));
  };
  const operators = model.operators.map(({ code, inputs, outputs, options }) =>
    writer.table(schema.Operator, {
      opcode_index: codes.indexOf(code),
      inputs: indices(inputs),
      outputs: indices(outputs),
      ...(options && {
        builtin_options_type: schema.OPTIONS_TYPE.get(options[0])!,
        builtin_options: writeOptions(writer, options),
      }),
    }),
  );
  return writer.table(schema.SubGraph, {
    tensors: writer.tables(names.map((name, index) => writeTensor(writer, name, model.tensors[name], index + 1))),
    inputs: indices(model.inputs),
    outputs: indices(model.outputs),
    operators: writer.tables(operators),
  });
}

function writeOptions(writer: FlatWriter, [fields, values]: NonNullable<OperatorSpec['options']>): Written {
  const written = Object.entries(values).map(
    ([field, value]) => [field, typeof value === 'object' ? writer.int32s(value) : value] as const,
  );
  return writer.table(fields, Object.fromEntries(written));
}

function writeTensor(writer: FlatWriter, name: string, tensor: TensorSpec, buffer: number): Written {
  const { shape, type = 'FLOAT32', scale, shapeSignature, sparse } = tensor;
  return writer.table(schema.TensorTable, {
    shape: writer.int32s(shape),
    type: schema.TENSOR_TYPES.indexOf(type),
    buffer,
    name: writer.string(name),
    ...(scale && { quantization: writeQuantization(writer, { ...tensor, scale }) }),
    ...(sparse && { sparsity: writer.table(schema.SparsityParameters, {}) }),
    ...(shapeSignature && { shape_signature: writer.int32s(shapeSignature) }),
  });
}

function writeQuantization(writer: FlatWriter, tensor: TensorSpec & { scale: readonly number[] }): Written {
  return writer.table(schema.QuantizationParameters, {
    scale: writer.float32s(tensor.scale),
    zero_point: writer.int64s(tensor.zeroPoint ?? tensor.scale.map(() => 0)),
    quantized_dimension: tensor.axis ?? 0,
  });
}

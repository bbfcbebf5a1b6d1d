/**
 * The part of onnx.proto3 that this library reads and writes: field numbers and types of the messages, and the values of the
 * enumerations. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
import type { NumberType } from '../tensors/numbers.js';
import type { Schema } from './protobuf.js';

export const ModelProto = {
  ir_version: [1, 'int'],
  producer_name: [2, 'text'],
  producer_version: [3, 'text'],
  graph: [7, 'message'],
  opset_import: [8, 'messages'],
  metadata_props: [14, 'messages'],
} as const satisfies Schema;

export const OperatorSetIdProto = { domain: [1, 'text'], version: [2, 'int'] } as const satisfies Schema;

export const StringStringEntryProto = { key: [1, 'text'], value: [2, 'text'] } as const satisfies Schema;

export const GraphProto = {
  node: [1, 'messages'],
  name: [2, 'text'],
  initializer: [5, 'messages'],
  input: [11, 'messages'],
  output: [12, 'messages'],
  sparse_initializer: [15, 'messages'],
} as const satisfies Schema;

export const NodeProto = {
  input: [1, 'texts'],
  output: [2, 'texts'],
  name: [3, 'text'],
  op_type: [4, 'text'],
  attribute: [5, 'messages'],
  domain: [7, 'text'],
} as const satisfies Schema;

export const AttributeProto = {
  name: [1, 'text'],
  f: [2, 'float'],
  i: [3, 'int'],
  s: [4, 'text'],
  t: [5, 'message'],
  g: [6, 'message'],
  floats: [7, 'floats'],
  ints: [8, 'ints'],
  strings: [9, 'texts'],
  type: [20, 'int'],
  ref_attr_name: [21, 'text'],
} as const satisfies Schema;

/** AttributeProto.AttributeType: the index is the number. */
export const ATTRIBUTE_TYPES = [
  'UNDEFINED',
  'FLOAT',
  'INT',
  'STRING',
  'TENSOR',
  'GRAPH',
  'FLOATS',
  'INTS',
  'STRINGS',
  'TENSORS',
  'GRAPHS',
  'SPARSE_TENSOR',
] as const;

export const TensorProto = {
  dims: [1, 'ints'],
  data_type: [2, 'int'],
  float_data: [4, 'floats'],
  int32_data: [5, 'ints'],
  int64_data: [7, 'ints'],
  name: [8, 'text'],
  raw_data: [9, 'bytes'],
  double_data: [10, 'doubles'],
  uint64_data: [11, 'ints'],
  external_data: [13, 'messages'],
  data_location: [14, 'int'],
} as const satisfies Schema;

/** TensorProto.DataType: the index is the number. */
export const DATA_TYPES =
  'UNDEFINED FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 COMPLEX64 COMPLEX128 BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 INT4 FLOAT4E2M1 FLOAT8E8M0 UINT2 INT2'.split(
    ' ',
  );

/** The number types of constants that are read, and this library's names for them. */
export const NUMBER_TYPES: Readonly<Record<string, NumberType>> = {
  FLOAT: 'float32',
  FLOAT16: 'float16',
  BFLOAT16: 'bfloat16',
  DOUBLE: 'float64',
  INT64: 'int64',
  INT32: 'int32',
  INT16: 'int16',
  INT8: 'int8',
  UINT64: 'uint64',
  UINT32: 'uint32',
  UINT16: 'uint16',
  UINT8: 'uint8',
  BOOL: 'bool',
};

/** Types of tensors that a network computes: their numbers become float32 (or float64, as the run's input says). */
export const COMPUTED_TYPES = ['FLOAT', 'FLOAT16', 'BFLOAT16', 'DOUBLE'];

export const ValueInfoProto = { name: [1, 'text'], type: [2, 'message'] } as const satisfies Schema;
export const TypeProto = { tensor_type: [1, 'message'] } as const satisfies Schema;
export const TensorTypeProto = { elem_type: [1, 'int'], shape: [2, 'message'] } as const satisfies Schema;
export const TensorShapeProto = { dim: [1, 'messages'] } as const satisfies Schema;
export const DimensionProto = { dim_value: [1, 'int'], dim_param: [2, 'text'] } as const satisfies Schema;

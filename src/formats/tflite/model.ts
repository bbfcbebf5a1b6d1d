/** A .tflite file as it is written: tensors, operators and buffers, checked and cross-referenced, not yet interpreted. */
import type { Padding, Pair } from '../../padding.js';
import type { Shape } from '../../tensor.js';
import type { Charge } from '../steps.js';
import type { FlatFile, FlatTable } from './flatbuffer.js';
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
  SparsityParameters,
  SubGraph,
  TENSOR_TYPES,
  TensorTable,
} from './schema.js';

/** real = scale · (integer − zeroPoint), with one pair for the whole tensor or one for each index along `axis`. */
export interface Quantization {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number;
}

export interface FileTensor {
  readonly index: number;
  readonly name: string;
  readonly shape: Shape;
  /** shape, with −1 where the file leaves a size open. */
  readonly shapeSignature: Shape;
  readonly type: string;
  /** The numbers of a constant; undefined for tensors that are computed. */
  readonly data?: Uint8Array;
  readonly quantization?: Quantization;
  readonly sparse: boolean;
}

export interface FileOperator {
  readonly file: FlatFile;
  /** e.g. "operator 7 (CONV_2D, for tensor 'MobilenetV1/Conv2d_3/Relu6')". */
  readonly where: string;
  readonly code: string;
  /** undefined where an optional input is left out. */
  readonly inputs: readonly (FileTensor | undefined)[];
  readonly outputs: readonly FileTensor[];
  /** The operator's options, or undefined when it has none. */
  readonly options: <Fields extends readonly string[]>(fields: Fields) => FlatTable<Fields> | undefined;
  /** A custom operator's options, in a form of its own. */
  readonly customOptions?: Uint8Array;
  /** Of a convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: see `dilation.ts`. */
  readonly dilated?: { readonly dilation: Pair; readonly padding: Exclude<Padding, string> };
  /** Throws a FormatError that names this operator. */
  readonly fail: (what: string) => never;
  readonly charge: Charge;
}

export interface FileModel {
  readonly file: FlatFile;
  readonly inputs: readonly FileTensor[];
  readonly outputs: readonly FileTensor[];
  readonly operators: readonly FileOperator[];
  /** The bytes of the metadata entry of this name. */
  readonly metadata: (name: string) => Uint8Array | undefined;
}

/** Largest number of axes of a tensor. */
const MAX_RANK = 8;

export function readModel(file: FlatFile): FileModel {
  checkIdentifier(file);
  const model = file.root(Model, 'model');
  const version = model.uint32('version');
  if (version !== 3) file.fail('model.version', `wanted schema version 3, found ${version}`);
  const graphs = model.tables('subgraphs', SubGraph);
  if (graphs.length !== 1) {
    file.fail(
      'model.subgraphs',
      `wanted one graph, found ${graphs.length}; control flow and several signatures are not read`,
    );
  }
  const buffers = model.tables('buffers', Buffer);
  const tensors = graphs[0].tables('tensors', TensorTable).map((table, index) => readTensor(table, index, buffers));
  const codes = model.tables('operator_codes', OperatorCode).map(operatorName);
  const pick = (index: number, where: string) => tensorAt(file, tensors, index, where);
  return {
    file,
    inputs: (graphs[0].int32s('inputs') ?? []).map((index) => pick(index, 'model.subgraphs[0].inputs')),
    outputs: (graphs[0].int32s('outputs') ?? []).map((index) => pick(index, 'model.subgraphs[0].outputs')),
    operators: graphs[0].tables('operators', Operator).map((table, index) => readOperator(table, index, codes, pick)),
    metadata: (name) => {
      const entry = model.tables('metadata', Metadata).find((candidate) => candidate.string('name') === name);
      return entry && bufferAt(entry.file, buffers, entry.uint32('buffer'), entry.where);
    },
  };
}

function checkIdentifier(file: FlatFile): void {
  const found = new TextDecoder('latin1').decode(file.buffer.bytes().subarray(4, 8));
  if (file.length >= 8 && found === FILE_IDENTIFIER) return;
  const start = new TextDecoder('latin1').decode(file.buffer.bytes().subarray(0, 8)).replace(/[^\x20-\x7e]/g, '.');
  file.fail(
    'header',
    `not a TensorFlow Lite file: wanted '${FILE_IDENTIFIER}' at byte 4, found ${file.length} bytes that begin '${start}'`,
  );
}

/** The builtin code had one byte at first; files carry the number in the old field, the new one, or both. */
function operatorName(table: FlatTable<typeof OperatorCode>): string {
  const code = Math.max(table.int8('deprecated_builtin_code'), table.int32('builtin_code'));
  const name = BUILTIN_OPERATORS[code] ?? `builtin operator ${code}`;
  return name === 'CUSTOM' ? `custom operator ${table.string('custom_code') ?? 'without a name'}` : name;
}

function readTensor(
  table: FlatTable<typeof TensorTable>,
  index: number,
  buffers: readonly FlatTable<typeof Buffer>[],
): FileTensor {
  const shape = table.int32s('shape') ?? [];
  if (shape.length > MAX_RANK || shape.some((size) => size < -1)) {
    table.file.fail(`${table.where}.shape`, `wanted at most ${MAX_RANK} sizes of 0 or more, found [${shape}]`);
  }
  const type = table.int8('type');
  const data = bufferAt(table.file, buffers, table.uint32('buffer'), table.where);
  const quantization = readQuantization(table);
  return {
    index,
    name: table.string('name') || `tensor_${index}`,
    shape,
    shapeSignature: table.int32s('shape_signature') ?? shape,
    type: TENSOR_TYPES[type] ?? `type ${type}`,
    sparse: table.table('sparsity', SparsityParameters) !== undefined,
    ...(data && { data }),
    ...(quantization && { quantization }),
  };
}

function readQuantization(tensor: FlatTable<typeof TensorTable>): Quantization | undefined {
  const table = tensor.table('quantization', QuantizationParameters);
  const scales = table?.float32s('scale') ?? [];
  if (table === undefined || scales.length === 0) return undefined;
  if (table.uint8('details_type') !== 0) table.file.fail(table.where, 'custom quantisation is not read');
  const zeroPoints = table.int64s('zero_point') ?? scales.map(() => 0);
  if (zeroPoints.length !== scales.length) {
    table.file.fail(table.where, `has ${scales.length} scales, but ${zeroPoints.length} zero points`);
  }
  const bad = scales.find((scale) => !(scale > 0 && Number.isFinite(scale)));
  if (bad !== undefined) table.file.fail(`${table.where}.scale`, `wanted numbers above 0, found ${bad}`);
  return { scales, zeroPoints, axis: table.int32('quantized_dimension') };
}

/** The bytes of a buffer: inside the flatbuffer, or, in files of more than 2 GB, behind it. Empty ones belong to computed tensors. */
function bufferAt(
  file: FlatFile,
  buffers: readonly FlatTable<typeof Buffer>[],
  index: number,
  where: string,
): Uint8Array | undefined {
  if (index === 0) return undefined;
  const buffer = buffers[index];
  if (buffer === undefined) file.fail(where, `names buffer ${index}, but the file has ${buffers.length}`);
  const offset = buffer.uint64('offset');
  if (offset > 1) {
    const size = buffer.uint64('size');
    file.check(offset, size, buffer.where);
    return file.buffer.bytes().subarray(offset, offset + size);
  }
  const data = buffer.bytes('data');
  return data?.length ? data : undefined;
}

function tensorAt(file: FlatFile, tensors: readonly FileTensor[], index: number, where: string): FileTensor {
  return tensors[index] ?? file.fail(where, `names tensor ${index}, but the graph has ${tensors.length}`);
}

function readOperator(
  table: FlatTable<typeof Operator>,
  index: number,
  codes: readonly string[],
  pick: (index: number, where: string) => FileTensor,
): FileOperator {
  const { file } = table;
  const opcode = table.uint32('opcode_index');
  const code = codes[opcode] ?? file.fail(table.where, `names operator code ${opcode}; the file has ${codes.length}`);
  const inputs = (table.int32s('inputs') ?? []).map((at) => (at === -1 ? undefined : pick(at, table.where)));
  const outputs = (table.int32s('outputs') ?? []).map((at) => pick(at, table.where));
  const customOptions = table.bytes('custom_options');
  const where = `operator ${index} (${code}, for tensor '${outputs[0]?.name ?? 'none'}')`;
  return {
    file,
    where,
    code,
    inputs,
    outputs,
    ...(customOptions && { customOptions }),
    options: (fields) => {
      const found = table.uint8('builtin_options_type');
      if (found === 0) return undefined;
      const wanted = OPTIONS_TYPE.get(fields);
      if (found !== wanted) file.fail(where, `its options are of kind ${found}, wanted ${wanted}`);
      return table.table('builtin_options', fields);
    },
    fail: (what) => file.fail(where, what),
    charge: (bytes) => file.charge(bytes, where),
  };
}

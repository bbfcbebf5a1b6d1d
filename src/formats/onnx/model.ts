/** An .onnx file as it is written: nodes, constants and inputs, checked one by one, not yet interpreted. */
import { type Shape, type Tensor, tensor } from '../../tensor.js';
import { bytesOf, readNumbers, statedSize } from '../tensors/numbers.js';
import type { Message, ProtoFile } from './protobuf.js';
import {
  ATTRIBUTE_TYPES,
  AttributeProto,
  COMPUTED_TYPES,
  DATA_TYPES,
  DimensionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  NUMBER_TYPES,
  OperatorSetIdProto,
  StringStringEntryProto,
  TensorProto,
  TensorShapeProto,
  TensorTypeProto,
  TypeProto,
  ValueInfoProto,
} from './schema.js';
import type { Grid } from './typed.js';

/** A tensor whose numbers the file holds, or that follows from such. */
export interface Constant {
  readonly tensor: Tensor;
  /** Whether the file's type is one of whole numbers, which divide without a rest. */
  readonly whole: boolean;
  /** The file's type, where the file holds the tensor. */
  readonly type?: string;
  /** Of real numbers that stood in the file as integers. */
  readonly grid?: Grid;
}

export interface FileAttribute {
  readonly name: string;
  readonly type: (typeof ATTRIBUTE_TYPES)[number];
  readonly value: number | string | readonly number[] | readonly string[] | Constant | undefined;
}

export interface FileNode {
  /** e.g. "node 7 (Conv 'features.0', for '317')". */
  readonly where: string;
  readonly op: string;
  /** '' where an optional input is left out. Of a loop or a branch, behind its own those that the graph within it reads from outside. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly FileAttribute[];
  /** Operators of the graphs within it. */
  readonly within: readonly string[];
}

/** A size is undefined where the file leaves it open. */
export interface FileInput {
  readonly name: string;
  readonly shape: readonly (number | undefined)[];
  /** The file's; integers are computed as real numbers, or by the grid that DequantizeLinear says. */
  readonly type: string;
}

export interface FileModel {
  readonly file: ProtoFile;
  readonly opset: number;
  readonly inputs: readonly FileInput[];
  readonly outputs: readonly string[];
  readonly nodes: readonly FileNode[];
  readonly isConstant: (name: string) => boolean;
  /** The constant of this name, read when it is asked for. */
  readonly constant: (name: string) => Constant;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Operator sets whose operators are known; what a newer one changes cannot be. */
const NEWEST_OPSET = 26;

/** Most axes of a tensor. */
const MAX_RANK = 8;

export function readModel(file: ProtoFile, external: ReadonlyMap<string, Uint8Array> = new Map()): FileModel {
  const model = file.message(file.bytes, ModelProto, 'model');
  if (model.graph === undefined) file.fail('model', 'not an ONNX model: it has no graph');
  const graph = file.message(model.graph, GraphProto, 'graph');
  if (graph.sparse_initializer.length > 0) file.fail('graph.sparse_initializer', 'sparse constants are not read');
  const nodes = graph.node.map((bytes, index) => readNode(file, bytes, index));
  const initializers = new Map(
    graph.initializer.map((bytes, index) => {
      const found = file.message(bytes, TensorProto, `graph.initializer[${index}]`);
      return [found.name ?? '', found];
    }),
  );
  const values = new Map<string, Constant>();
  return {
    file,
    opset: opsetOf(file, model),
    inputs: graph.input
      .map((bytes, index) => file.message(bytes, ValueInfoProto, `graph.input[${index}]`))
      .filter(({ name }) => !initializers.has(name ?? ''))
      .map((info) => readInput(file, info)),
    outputs: graph.output.map(
      (bytes, index) =>
        file.message(bytes, ValueInfoProto, `graph.output[${index}]`).name ??
        file.fail(`graph.output[${index}]`, 'has no name'),
    ),
    nodes,
    isConstant: (name) => initializers.has(name),
    constant: (name) => {
      const value = values.get(name) ?? readConstant(file, initializers.get(name)!, `constant '${name}'`, external);
      values.set(name, value);
      return value;
    },
    metadata: new Map(
      model.metadata_props.map((bytes) => {
        const { key, value } = file.message(bytes, StringStringEntryProto, 'model.metadata_props');
        return [key ?? '', value ?? ''];
      }),
    ),
  };
}

function opsetOf(file: ProtoFile, { opset_import: imports }: Message<typeof ModelProto>): number {
  const sets = imports.map((bytes) => file.message(bytes, OperatorSetIdProto, 'model.opset_import'));
  const version = sets.find(({ domain }) => !domain || domain === 'ai.onnx')?.version;
  if (version === undefined) file.fail('model.opset_import', "says no version of ONNX's own operators");
  if (version < 1 || version > NEWEST_OPSET) {
    file.fail('model.opset_import', `wanted an operator set from 1 to ${NEWEST_OPSET}, found ${version}`);
  }
  return version;
}

function readNode(file: ProtoFile, bytes: Uint8Array, index: number): FileNode {
  const { op_type: op = '', name, input, output, attribute, domain } = file.message(bytes, NodeProto, `node ${index}`);
  const title = `${domain && domain !== 'ai.onnx' ? `${domain}.` : ''}${op}`;
  const where = `node ${index} (${title}${name ? ` '${name}'` : ''}, for '${output[0] ?? 'nothing'}')`;
  const attributes = attribute.map((content) => readAttribute(file, content, where));
  const { reads, operators } = readGraphs(file, attribute, where);
  return { where, op: title, inputs: [...input, ...reads], outputs: output, attributes, within: operators };
}

/** Most graphs within one another. */
const DEEPEST = 8;

/** What the graphs in a node's attributes read from outside, and their operators. */
function readGraphs(file: ProtoFile, attributes: readonly Uint8Array[], where: string, depth = 1) {
  const reads = new Set<string>();
  const operators: string[] = [];
  for (const attribute of attributes) {
    const { g } = file.message(attribute, AttributeProto, where);
    if (g === undefined) continue;
    if (depth > DEEPEST) file.fail(where, `has more than ${DEEPEST} graphs within one another`);
    const graph = file.message(g, GraphProto, where);
    const own = new Set([
      ...graph.input.map((bytes) => file.message(bytes, ValueInfoProto, where).name),
      ...graph.initializer.map((bytes) => file.message(bytes, TensorProto, where).name),
    ]);
    for (const bytes of graph.node) {
      const { op_type, input, output, attribute } = file.message(bytes, NodeProto, where);
      const inner = readGraphs(file, attribute, where, depth + 1);
      operators.push(op_type ?? '', ...inner.operators);
      for (const name of [...input, ...inner.reads]) if (name !== '' && !own.has(name)) reads.add(name);
      for (const name of output) own.add(name);
    }
  }
  return { reads: [...reads], operators };
}

/** A number that is 0 and a text that is empty may be left out of the file. */
function readAttribute(file: ProtoFile, bytes: Uint8Array, where: string): FileAttribute {
  const found = file.message(bytes, AttributeProto, where);
  const at = `${where}: attribute '${found.name ?? ''}'`;
  if (found.ref_attr_name) file.fail(at, `refers to the attribute '${found.ref_attr_name}' of a function`);
  const stated = ATTRIBUTE_TYPES[found.type ?? 0] ?? file.fail(at, `its type ${found.type} is unknown`);
  const type = stated === 'UNDEFINED' ? typeOf(found) : stated;
  const values: Partial<Record<typeof type, () => FileAttribute['value']>> = {
    FLOAT: () => found.f ?? 0,
    INT: () => found.i ?? 0,
    STRING: () => found.s ?? '',
    FLOATS: () => found.floats,
    INTS: () => found.ints,
    STRINGS: () => found.strings,
    TENSOR: () => found.t && readConstant(file, file.message(found.t, TensorProto, at), at),
  };
  return { name: found.name ?? '', type, value: values[type]?.() };
}

/** The first versions of the format did not state the type. */
function typeOf({ f, i, s, t, ints, floats, strings }: Message<typeof AttributeProto>): FileAttribute['type'] {
  if (f !== undefined) return 'FLOAT';
  if (i !== undefined) return 'INT';
  if (s !== undefined) return 'STRING';
  if (t !== undefined) return 'TENSOR';
  if (floats.length > 0) return 'FLOATS';
  if (ints.length > 0) return 'INTS';
  return strings.length > 0 ? 'STRINGS' : 'UNDEFINED';
}

/** Types of inputs that hold integers. */
const INTEGER_INPUTS = ['UINT8', 'INT8'];

function readInput(file: ProtoFile, { name, type }: Message<typeof ValueInfoProto>): FileInput {
  const where = `input '${name ?? ''}'`;
  const tensorType = type && file.message(type, TypeProto, where).tensor_type;
  if (!name || tensorType === undefined) file.fail(where, 'wanted a tensor with a name');
  const { elem_type: elementType = 0, shape } = file.message(tensorType, TensorTypeProto, where);
  const typeName = DATA_TYPES[elementType] ?? `type ${elementType}`;
  const wanted = [...COMPUTED_TYPES, ...INTEGER_INPUTS];
  if (!wanted.includes(typeName)) file.fail(where, `wanted numbers of type ${wanted.join(', ')}, found ${typeName}`);
  if (shape === undefined) file.fail(where, 'has no shape');
  const sizes = file.message(shape, TensorShapeProto, where).dim.map((dimension) => {
    const size = file.message(dimension, DimensionProto, where).dim_value;
    return size !== undefined && size > 0 ? size : undefined;
  });
  if (sizes.length > MAX_RANK) file.fail(where, `wanted at most ${MAX_RANK} axes, found ${sizes.length}`);
  return { name, shape: sizes, type: typeName };
}

/** Field of TensorProto that holds the numbers of each type, where raw_data does not. */
const typedData: Readonly<Record<string, 'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data'>> =
  {
    FLOAT: 'float_data',
    DOUBLE: 'double_data',
    INT64: 'int64_data',
    UINT32: 'uint64_data',
    UINT64: 'uint64_data',
  };

type FileTensor = Message<typeof TensorProto>;

export function readConstant(
  file: ProtoFile,
  found: FileTensor,
  where: string,
  external: ReadonlyMap<string, Uint8Array> = new Map(),
): Constant {
  const beside = placeBeside(file, found, where);
  const typeName = DATA_TYPES[found.data_type ?? 0] ?? `type ${found.data_type}`;
  if (!Object.hasOwn(NUMBER_TYPES, typeName)) {
    file.fail(where, `constants of type ${typeName} are not read; wanted ${Object.keys(NUMBER_TYPES).join(', ')}`);
  }
  const type = NUMBER_TYPES[typeName];
  const shape: Shape = found.dims;
  if (shape.length > MAX_RANK) file.fail(where, `wanted at most ${MAX_RANK} axes, found ${shape.length}`);
  const size = statedSize(shape, `${file.name}: ${where}`);
  const whole = !COMPUTED_TYPES.includes(typeName);
  const raw = beside ? bytesBeside(file, beside, size * bytesOf(type), where, external) : found.raw_data;
  const numbers = raw === undefined ? found[typedData[typeName] ?? 'int32_data'] : [];
  const stated = raw === undefined ? numbers.length : raw.length / bytesOf(type);
  if (stated !== size) {
    file.fail(where, `shape [${shape}] wants ${size} numbers of type ${typeName}, the file has ${stated}`);
  }
  const bytes = raw ?? typedBytes(type, numbers);
  return { tensor: tensor(shape, readNumbers(type, bytes, true, `${file.name}: ${where}`)), whole, type: typeName };
}

/** Where a constant's numbers lie in a file beside the model's. */
interface Beside {
  readonly location: string;
  readonly offset: number;
  /** Undefined: as many bytes as the shape wants. */
  readonly length: number | undefined;
}

/** Undefined for a constant whose numbers the model's file holds. */
function placeBeside(file: ProtoFile, found: FileTensor, where: string): Beside | undefined {
  if (found.external_data.length === 0 && found.data_location !== 1) return undefined;
  const entries = new Map(
    found.external_data.map((bytes) => {
      const { key, value } = file.message(bytes, StringStringEntryProto, `${where}: external_data`);
      return [key ?? '', value ?? ''];
    }),
  );
  const location = entries.get('location');
  if (!location) file.fail(where, 'its numbers lie in another file (external data), whose name is missing');
  // An absolute path, one of Windows, an address, or one that climbs out of the folder.
  if (/^([\\/]|[A-Za-z][\w+.-]*:)|\\/.test(location) || location.split('/').includes('..')) {
    file.fail(where, `its numbers lie in '${location}' (external data), outside of the model's folder`);
  }
  const count = (key: string): number | undefined => {
    const value = entries.get(key);
    if (value === undefined) return undefined;
    if (!/^\d{1,15}$/.test(value)) file.fail(where, `external data: ${key} is '${value}', wanted a number of bytes`);
    return Number(value);
  };
  return { location, offset: count('offset') ?? 0, length: count('length') };
}

function bytesBeside(
  file: ProtoFile,
  { location, offset, length: stated }: Beside,
  wanted: number,
  where: string,
  external: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const content = external.get(location);
  if (content === undefined) {
    file.fail(
      where,
      `its numbers lie in another file, '${location}' (external data), which was not given; use load or readNetworkFile with the model's address or path, or importOnnx with that file`,
    );
  }
  const length = stated ?? wanted;
  if (offset + length > content.length) {
    file.fail(
      where,
      `its numbers are the bytes ${offset} to ${offset + length} of '${location}', which has ${content.length}`,
    );
  }
  return content.subarray(offset, offset + length);
}

/** Names of the files beside the model's that hold numbers of its constants, each once. */
export function externalFiles(file: ProtoFile): string[] {
  const model = file.message(file.bytes, ModelProto, 'model');
  const graph = model.graph && file.message(model.graph, GraphProto, 'graph');
  const names = (graph?.initializer ?? []).map((bytes, index) => {
    const found = file.message(bytes, TensorProto, `graph.initializer[${index}]`);
    return placeBeside(file, found, `constant '${found.name ?? ''}'`)?.location;
  });
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** Numbers of a typed field as the bytes that raw_data would have. Halves stand in int32_data as their patterns. */
function typedBytes(type: (typeof NUMBER_TYPES)[string], numbers: readonly number[]): Uint8Array {
  const size = bytesOf(type);
  const bytes = new Uint8Array(numbers.length * size);
  const view = new DataView(bytes.buffer);
  for (const [index, number] of numbers.entries()) {
    if (type === 'float32') view.setFloat32(index * 4, number, true);
    else if (type === 'float64') view.setFloat64(index * 8, number, true);
    else if (size === 8) view.setBigInt64(index * 8, BigInt(number), true);
    else if (size === 4) view.setInt32(index * 4, number, true);
    else if (size === 2) view.setInt16(index * 2, number, true);
    else view.setInt8(index, number);
  }
  return bytes;
}

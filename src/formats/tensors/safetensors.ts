/**
 * .safetensors files. https://github.com/huggingface/safetensors#format
 *
 *   header length (8 bytes, little-endian)  header (JSON, may end in spaces)  numbers (little-endian, row-major)
 *
 * The header maps each tensor's name to {dtype, shape, data_offsets: [begin, end]}, counted from the end of the header, and
 * `__metadata__` to texts. The tensors must cover the numbers without gap or overlap.
 */
import { FormatError } from '../../errors.js';
import { type Shape, type Tensor, tensor } from '../../tensor.js';
import { MOST_KEYS, parseJson } from '../json.js';
import {
  bytesOf,
  int8Tensor,
  type NumberType,
  nameOfType,
  ownType,
  readNumbers,
  statedSize,
  type TypeChoice,
  writeNumbers,
} from './numbers.js';

const types: Readonly<Record<string, NumberType>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
};

const METADATA = '__metadata__';

/** Longest header in bytes: the reference implementation's limit. */
const LONGEST_HEADER = 100_000_000;

export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Map<string, string>;
}

/** True for a header length that fits and a header that begins with '{'. */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10 || bytes[8] !== 0x7b) return false;
  return headerLength(bytes) <= LONGEST_HEADER;
}

/**
 * The tensors in the order of the header, each in float32 or float64, whichever holds its numbers exactly. Aligned floats are not copied: their
 * tensors are views of `bytes`.
 */
export function readSafetensors(bytes: Uint8Array, file = 'safetensors file'): Safetensors {
  if (bytes.length < 8)
    throw new FormatError(`${file}: truncated: ${bytes.length} bytes end within the header's length`);
  const length = headerLength(bytes);
  if (length > LONGEST_HEADER) {
    throw new FormatError(`${file}: a header of ${length} bytes is too long; at most ${LONGEST_HEADER} are read`);
  }
  if (8 + length > bytes.length) {
    throw new FormatError(`${file}: truncated: the header ends at byte ${8 + length}, the file at ${bytes.length}`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + length), file);
  const numbers = bytes.subarray(8 + length);
  const metadata = readMetadata(header, file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => readEntry(value, `${file}: tensor '${name}'`, name));
  expectCovered(entries, numbers.length, file);
  const tensors = new Map(
    entries.map(({ name, type, shape, begin, end }) => {
      const own = numbers.subarray(begin, end);
      const read =
        type === 'int8'
          ? int8Tensor(shape, new Int8Array(own))
          : tensor(shape, readNumbers(type, own, true, `${file}: tensor '${name}'`));
      return [name, read];
    }),
  );
  return { tensors, metadata };
}

/**
 * A .safetensors file of these tensors. Each is written in its own type unless `typeOf` chooses another; wider types come first, so
 * that every tensor is aligned to its numbers.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
  typeOf: TypeChoice = (_, x) => ownType(x),
): Uint8Array {
  const entries = [...tensors].map(([name, x]) => ({ name, x, type: typeOf(name, x) }));
  entries.sort((a, b) => bytesOf(b.type) - bytesOf(a.type));
  const header: [string, unknown][] = metadata.size > 0 ? [[METADATA, Object.fromEntries(metadata)]] : [];
  const chunks: Uint8Array[] = [];
  let end = 0;
  for (const { name, x, type } of entries) {
    if (name === METADATA) throw new FormatError(`safetensors: a tensor cannot be called '${METADATA}'`);
    const chunk = writeNumbers(x, type, name);
    header.push([name, { dtype: nameOfType(types, type), shape: x.shape, data_offsets: [end, end + chunk.length] }]);
    end += chunk.length;
    chunks.push(chunk);
  }
  if (header.length > MOST_KEYS) {
    throw new FormatError(
      `safetensors: ${header.length} entries in the header, more than the ${MOST_KEYS} that are read`,
    );
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  let at = 8 + length;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function headerLength(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}

type Header = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Header =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseHeader(bytes: Uint8Array, file: string): Header {
  const header = parseJson(decodeHeader(bytes, file), `${file}: the header`);
  if (!isObject(header)) throw new FormatError(`${file}: the header is not a JSON object`);
  return header;
}

function decodeHeader(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${file}: the header is not UTF-8`, { cause });
  }
}

function readMetadata(header: Header, file: string): Map<string, string> {
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {};
  if (!isObject(metadata) || !Object.values(metadata).every((text) => typeof text === 'string')) {
    throw new FormatError(`${file}: '${METADATA}' must hold texts by name`);
  }
  return new Map(Object.entries(metadata) as [string, string][]);
}

interface Entry {
  readonly name: string;
  readonly type: NumberType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

function readEntry(value: unknown, what: string, name: string): Entry {
  const { dtype, shape, data_offsets: offsets }: Header = isObject(value) ? value : {};
  if (typeof dtype !== 'string' || !isWholeNumbers(shape) || !isWholeNumbers(offsets) || offsets.length !== 2) {
    throw new FormatError(`${what}: wanted {dtype, shape, data_offsets: [begin, end]}`);
  }
  const type = Object.hasOwn(types, dtype) ? types[dtype] : undefined;
  if (type === undefined) {
    throw new FormatError(
      `${what}: numbers of type '${dtype}' are not supported; wanted one of ${Object.keys(types).join(', ')}`,
    );
  }
  const [begin, end] = offsets;
  const wanted = statedSize(shape, what) * bytesOf(type);
  if (end - begin !== wanted) {
    throw new FormatError(
      `${what}: shape [${shape}] of ${dtype} wants ${wanted} bytes, its offsets ${begin} to ${end} give ${end - begin}`,
    );
  }
  return { name, type, shape, begin, end };
}

const isWholeNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** In the order of their offsets, each tensor begins where the one before ends, and the last ends with the file. */
function expectCovered(entries: readonly Entry[], length: number, file: string): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const fault =
        begin < covered ? 'overlaps the tensor before it, which ends' : 'leaves a gap: the numbers before it end';
      throw new FormatError(`${file}: tensor '${name}' begins at ${begin} and ${fault} at ${covered}`);
    }
    covered = end;
  }
  if (covered !== length) {
    throw new FormatError(`${file}: the header describes ${covered} bytes of numbers, found ${length}`);
  }
}

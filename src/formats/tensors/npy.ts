/**
 * NumPy's .npy files: one array each. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 *   "\x93NUMPY"  major, minor version  header length (2 bytes in version 1, 4 in 2 and 3)  header  numbers
 *
 * The header is a Python literal, `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, filled up with spaces to a multiple of
 * 64 bytes and ended by a line feed. It is read by its grammar, never evaluated.
 */
import { FormatError } from '../../errors.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../tensor.js';
import { gathered } from '../strided.js';
import {
  bytesOf,
  type NumberType,
  nameOfType,
  ownType,
  readNumbers,
  statedSize,
  type WrittenType,
  writeNumbers,
} from './numbers.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's names of number types, without the byte order. */
const types: Readonly<Record<string, NumberType>> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, at) => bytes[at] === byte);

/**
 * The array of a .npy file: float32 for numbers of up to 24 bits, float64 for wider ones; floats that lie aligned are a view of `bytes`. `file` names
 * it in errors.
 */
export function readNpy(bytes: Uint8Array, file = 'npy file'): Tensor {
  const { header, dataOffset } = splitHeader(bytes, file);
  const { descr, fortranOrder, shape } = parseHeader(header, file);
  const type = Object.hasOwn(types, descr.slice(1)) ? types[descr.slice(1)] : undefined;
  if (type === undefined || !'<>|='.includes(descr[0])) {
    throw new FormatError(
      `${file}: arrays of type '${descr}' are not supported; wanted one of ${Object.keys(types).join(', ')}`,
    );
  }
  const wanted = statedSize(shape, file) * bytesOf(type);
  const found = bytes.length - dataOffset;
  if (found !== wanted) {
    throw new FormatError(`${file}: shape [${shape}] of ${type} wants ${wanted} bytes of numbers, found ${found}`);
  }
  const numbers = readNumbers(type, bytes.subarray(dataOffset), descr[0] !== '>', file);
  return tensor(shape, fortranOrder ? gathered(numbers, shape, columnMajorStrides(shape)) : numbers);
}

/** A .npy file of version 1.0, little-endian, row-major, laid out as numpy.save does. */
export function writeNpy(x: Tensor, type: WrittenType = ownType(x), name = 'npy file'): Uint8Array {
  const shape = x.shape.length === 1 ? `(${x.shape[0]},)` : `(${x.shape.join(', ')})`;
  const order = bytesOf(type) === 1 ? '|' : '<';
  const text = `{'descr': '${order}${nameOfType(types, type)}', 'fortran_order': False, 'shape': ${shape}, }`;
  const before = MAGIC.length + 2 + 2;
  const dataOffset = Math.ceil((before + text.length + 1) / 64) * 64;
  const header = `${text.padEnd(dataOffset - before - 1)}\n`;
  const numbers = writeNumbers(x, type, name);
  const bytes = new Uint8Array(dataOffset + numbers.length);
  bytes.set([...MAGIC, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), before);
  bytes.set(numbers, dataOffset);
  return bytes;
}

function splitHeader(bytes: Uint8Array, file: string): { header: string; dataOffset: number } {
  if (!isNpy(bytes)) throw new FormatError(`${file}: not a .npy file: it does not begin with \\x93NUMPY`);
  const version = bytes[6];
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new FormatError(`${file}: .npy version ${version ?? 'missing'} is not supported; wanted 1, 2 or 3`);
  }
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start)
    throw new FormatError(`${file}: truncated: ${bytes.length} bytes end within the .npy header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const dataOffset = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataOffset > bytes.length) {
    throw new FormatError(
      `${file}: truncated: the .npy header ends at byte ${dataOffset}, the file at ${bytes.length}`,
    );
  }
  const header = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, dataOffset));
  return { header, dataOffset };
}

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: Shape;
}

/** One field of the header's dictionary: a quoted name, and a quoted text, a truth value or a tuple of whole numbers. */
const FIELD =
  /\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*:\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|\(([\dL,\s]*)\))\s*(,|(?=\}))/y;

function parseHeader(header: string, file: string): Header {
  const text = header.trim();
  const fail = (): never => {
    const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    throw new FormatError(
      `${file}: wanted a header {'descr': …, 'fortran_order': …, 'shape': (…)}, found ${JSON.stringify(shown)}`,
    );
  };
  if (!text.startsWith('{')) return fail();
  const fields = new Map<string, string | boolean | Shape>();
  FIELD.lastIndex = 1;
  let end = 1;
  for (let field = FIELD.exec(text); field !== null; field = FIELD.exec(text)) {
    end = FIELD.lastIndex;
    const name = field[1] ?? field[2];
    if (fields.has(name)) return fail();
    const word = field[3] ?? field[4];
    fields.set(name, word ?? (field[5] !== undefined ? field[5] === 'True' : (parseTuple(field[6]) ?? fail())));
  }
  const descr = fields.get('descr');
  const fortranOrder = fields.get('fortran_order');
  const shape = fields.get('shape');
  const complete = text.slice(end).trim() === '}' && fields.size === 3;
  if (!complete || typeof descr !== 'string' || typeof fortranOrder !== 'boolean' || !Array.isArray(shape))
    return fail();
  return { descr, fortranOrder, shape };
}

/** The numbers of `3, 4`, `3,` or an empty tuple; Python 2 wrote `3L`. A single number without its comma is no tuple. */
function parseTuple(inside: string): number[] | undefined {
  if (inside.trim() === '') return [];
  const items = inside.split(',').map((item) => item.trim());
  const trailingComma = items.at(-1) === '';
  if (trailingComma) items.pop();
  if (!items.every((item) => /^\d+L?$/.test(item)) || (items.length === 1 && !trailingComma)) return undefined;
  return items.map((item) => Number.parseInt(item, 10));
}

/** The first axis varies fastest. */
const columnMajorStrides = (shape: Shape): number[] => shape.map((_, axis) => sizeOf(shape.slice(0, axis)));

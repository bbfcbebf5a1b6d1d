/**
 * Number types of tensor files. Every type is read into float32 or float64, whichever holds all of its values exactly: nothing is
 * rounded on the way in, and a 64-bit integer beyond ±2⁵³, which neither holds, is an error.
 */
import { FormatError } from '../../errors.js';
import { type FloatArray, lateTensor, type Shape, sizeOf, type Tensor } from '../../tensor.js';
import { fromBfloat16, fromFloat16, toFloat16 } from './float16.js';

interface NumberFormat {
  /** Bytes of one number. */
  readonly size: 1 | 2 | 4 | 8;
  /** The smallest float type that holds every value. */
  readonly holder: typeof Float32Array | typeof Float64Array;
  /** A function for each type: the methods of a DataView by their names take three times as long. */
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number | bigint;
}

const formats = {
  bool: { size: 1, holder: Float32Array, read: (view, at) => Math.sign(view.getUint8(at)) },
  int8: { size: 1, holder: Float32Array, read: (view, at) => view.getInt8(at) },
  uint8: { size: 1, holder: Float32Array, read: (view, at) => view.getUint8(at) },
  int16: { size: 2, holder: Float32Array, read: (view, at, little) => view.getInt16(at, little) },
  uint16: { size: 2, holder: Float32Array, read: (view, at, little) => view.getUint16(at, little) },
  int32: { size: 4, holder: Float64Array, read: (view, at, little) => view.getInt32(at, little) },
  uint32: { size: 4, holder: Float64Array, read: (view, at, little) => view.getUint32(at, little) },
  int64: { size: 8, holder: Float64Array, read: (view, at, little) => view.getBigInt64(at, little) },
  uint64: { size: 8, holder: Float64Array, read: (view, at, little) => view.getBigUint64(at, little) },
  float16: { size: 2, holder: Float32Array, read: (view, at, little) => fromFloat16(view.getUint16(at, little)) },
  bfloat16: { size: 2, holder: Float32Array, read: (view, at, little) => fromBfloat16(view.getUint16(at, little)) },
  float32: { size: 4, holder: Float32Array, read: (view, at, little) => view.getFloat32(at, little) },
  float64: { size: 8, holder: Float64Array, read: (view, at, little) => view.getFloat64(at, little) },
} as const satisfies Record<string, NumberFormat>;

export type NumberType = keyof typeof formats;

/** What is written; a tensor's own type unless the caller asks for another. int8, uint8, int16 and int32 are for whole numbers of their range. */
export type WrittenType = 'int8' | 'uint8' | 'int16' | 'int32' | 'float16' | 'float32' | 'float64';

/** Chooses the type that a tensor is written in, by its name. */
export type TypeChoice = (name: string, tensor: Tensor) => WrittenType;

export const ownType = (x: Tensor): WrittenType => (x.data instanceof Float64Array ? 'float64' : 'float32');

/** Stands for no bound where a format or layer wants a finite one. */
export const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * The number, which is to be written as float32. `what` names the layer and what it is to the layer. Throws a FormatError for a number that float32
 * cannot hold, and which readers would find to be infinite.
 */
export function asFloat32(value: number, what: string): number {
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
    throw new FormatError(`${what} is ${value}, too large for float32, in which it is written`);
  }
  return value;
}

/** Bytes of one number. */
export const bytesOf = (type: NumberType): number => formats[type].size;

const LITTLE_ENDIAN_MACHINE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * The numbers that fill `bytes`, whose length the caller has checked: a view of them where floats lie in the file as in memory and are aligned,
 * a copy otherwise. `what` names file and tensor in errors.
 */
export function readNumbers(type: NumberType, bytes: Uint8Array, littleEndian: boolean, what: string): FloatArray {
  const { size, holder, read }: NumberFormat = formats[type];
  const asInMemory = type === 'float32' || type === 'float64';
  if (asInMemory && littleEndian && LITTLE_ENDIAN_MACHINE) {
    const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
    return new holder(buffer as ArrayBuffer, byteOffset, byteLength / size);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new holder(bytes.byteLength / size);
  for (let index = 0; index < numbers.length; index++) {
    const found = read(view, index * size, littleEndian);
    if (typeof found === 'bigint' && !Number.isSafeInteger(Number(found))) {
      throw new FormatError(`${what}: number ${index} is ${found}, which a float64 cannot hold exactly`);
    }
    numbers[index] = Number(found);
  }
  return numbers;
}

const int8Stored = /* @__PURE__ */ new WeakMap<Tensor, Int8Array<ArrayBuffer>>();

/** The tensor of these bytes, which stay at hand for networks of integers. */
export function int8Tensor(shape: Shape, bytes: Int8Array<ArrayBuffer>): Tensor {
  const made = lateTensor(shape, () => new Float32Array(bytes));
  int8Stored.set(made, bytes);
  return made;
}

/** The bytes of such a tensor. */
export const int8Of = (tensor: Tensor): Int8Array<ArrayBuffer> | undefined => int8Stored.get(tensor);

interface Writing {
  readonly set: (view: DataView, at: number, value: number) => void;
  /** Of whole numbers, which are not rounded. */
  readonly range?: string;
}

const writing: { readonly [Type in WrittenType]: Writing } = {
  int8: { set: (view, at, value) => view.setInt8(at, value), range: '−128 to 127' },
  uint8: { set: (view, at, value) => view.setUint8(at, value), range: '0 to 255' },
  int16: { set: (view, at, value) => view.setInt16(at, value, true), range: '−2¹⁵ to 2¹⁵ − 1' },
  int32: { set: (view, at, value) => view.setInt32(at, value, true), range: '−2³¹ to 2³¹ − 1' },
  float16: { set: (view, at, value) => view.setUint16(at, toFloat16(value), true) },
  float32: { set: (view, at, value) => view.setFloat32(at, value, true) },
  float64: { set: (view, at, value) => view.setFloat64(at, value, true) },
};

/** Little-endian bytes of the tensor's numbers, each rounded to the nearest of the given type. */
export function writeNumbers(x: Tensor, type: WrittenType, what: string): Uint8Array {
  const { size, read }: NumberFormat = formats[type];
  const { set, range } = writing[type];
  const bytes = new Uint8Array(x.data.length * size);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of x.data.entries()) {
    set(view, index * size, value);
    const written = Number(read(view, index * size, true));
    if (range ? written === value : Number.isFinite(written) || !Number.isFinite(value)) continue;
    throw new FormatError(
      `${what}: number ${index} is ${value}, ${range ? `not a whole number from ${range}` : `too large for ${type}`}`,
    );
  }
  return bytes;
}

/** The name, among a format's names of types, of a type that is written. */
export const nameOfType = (names: Readonly<Record<string, NumberType>>, type: WrittenType): string =>
  Object.keys(names).find((name) => names[name] === type)!;

/** Most axes of a tensor in a file: NumPy's own limit (NPY_MAXDIMS). */
const MOST_AXES = 64;

/** Number of elements of a shape that a file states; throws before anything of that size is made. */
export function statedSize(shape: Shape, what: string): number {
  if (shape.length > MOST_AXES) {
    throw new FormatError(`${what}: wanted a shape of at most ${MOST_AXES} axes, found ${shape.length}`);
  }
  const size = sizeOf(shape);
  if (!shape.every((side) => Number.isSafeInteger(side) && side >= 0) || !Number.isSafeInteger(size)) {
    throw new FormatError(`${what}: [${shape}] is not the shape of a tensor`);
  }
  return size;
}

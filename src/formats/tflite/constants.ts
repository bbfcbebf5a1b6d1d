/**
 * The file's constants as real numbers. Integers stand for real = scale · (integer − zero point); the products are computed in
 * float64 and rounded once to float32. Real numbers of 16 bits become float32 exactly.
 */
import { sizeOf, type Tensor, tensor } from '../../tensor.js';
import type { FlatFile } from './flatbuffer.js';
import type { FileTensor, Quantization } from './model.js';

/** How the file's numbers lie in memory; little-endian, as every platform with WebAssembly is. */
const numberTypes = {
  FLOAT32: Float32Array,
  FLOAT16: Uint16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  UINT8: Uint8Array,
  INT8: Int8Array,
};

type StoredNumbers = InstanceType<(typeof numberTypes)[keyof typeof numberTypes]>;

/** IEEE 754 binary16: one sign bit, five of exponent, ten of fraction. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The numbers as the file holds them: integers stay integers, 16-bit reals stay bit patterns. */
function storedNumbers(file: FlatFile, source: FileTensor): StoredNumbers {
  const where = describe(source);
  if (source.sparse) file.fail(where, 'sparse constants are not read');
  if (source.data === undefined) file.fail(where, 'wanted a constant, found a tensor without data');
  if (!Object.hasOwn(numberTypes, source.type)) {
    file.fail(where, `constants of type ${source.type} are not read; wanted ${Object.keys(numberTypes).join(', ')}`);
  }
  const Numbers = numberTypes[source.type as keyof typeof numberTypes];
  const wanted = sizeOf(source.shape) * Numbers.BYTES_PER_ELEMENT;
  if (source.data.length !== wanted) {
    file.fail(
      where,
      `shape [${source.shape}] of ${source.type} wants ${wanted} bytes, its buffer has ${source.data.length}`,
    );
  }
  file.charge(wanted, where);
  return new Numbers(Uint8Array.from(source.data).buffer); // a copy: it begins where the numbers of this type may begin
}

export function describe(tensor: FileTensor): string {
  return `tensor ${tensor.index} '${tensor.name}'`;
}

/** A small list of integers that steers an operator: axes, sizes, paddings. */
export function integers(file: FlatFile, source: FileTensor): number[] {
  if (source.type !== 'INT32' && source.type !== 'INT64') {
    file.fail(describe(source), `wanted integers, found ${source.type}`);
  }
  return Array.from(storedNumbers(file, source), Number);
}

/** Real values of a constant: its own numbers when they are real, dequantised ones otherwise. */
export function realValues(file: FlatFile, source: FileTensor): Tensor {
  const numbers = storedNumbers(file, source);
  if (numbers instanceof Float32Array) return tensor(source.shape, numbers);
  if (numbers instanceof Uint16Array) return tensor(source.shape, Float32Array.from(numbers, float16));
  const { quantization } = source;
  if (quantization === undefined || numbers instanceof BigInt64Array) {
    file.fail(describe(source), `wanted real numbers, found ${source.type} without a scale that gives them`);
  }
  const { scales, zeroPoints } = quantization;
  const channelOf = channels(file, source, quantization);
  const real = new Float32Array(numbers.length);
  for (let i = 0; i < real.length; i++) {
    const channel = channelOf(i);
    real[i] = scales[channel] * (numbers[i] - zeroPoints[channel]);
  }
  return tensor(source.shape, real);
}

/** Which scale belongs to the number at a position: the only one, or the one of its index along the quantised axis. */
function channels(file: FlatFile, source: FileTensor, { scales, axis }: Quantization): (position: number) => number {
  if (scales.length === 1) return () => 0;
  if (source.shape[axis] !== scales.length) {
    file.fail(describe(source), `has ${scales.length} scales for axis ${axis} of shape [${source.shape}]`);
  }
  const below = sizeOf(source.shape.slice(axis + 1));
  return (position) => Math.floor(position / below) % scales.length;
}

/**
 * A bias. Integer biases are counted in steps of input scale · weight scale, which is the unit of the products they are added to
 * (arXiv:1712.05877, §2.4).
 */
export function realBias(file: FlatFile, bias: FileTensor, input: FileTensor, weights: FileTensor): Tensor {
  if (bias.type !== 'INT32' || input.quantization === undefined || weights.quantization === undefined) {
    return realValues(file, bias);
  }
  const scales = weights.quantization.scales.map((scale) => scale * input.quantization!.scales[0]);
  return realValues(file, { ...bias, quantization: { scales, zeroPoints: scales.map(() => 0), axis: 0 } });
}

/** Least and greatest real number that a quantised tensor can express; undefined for float tensors. */
export function representableRange({ type, quantization }: FileTensor): { min: number; max: number } | undefined {
  const integersOf: Record<string, readonly [number, number]> = { UINT8: [0, 255], INT8: [-128, 127] };
  if (quantization === undefined || !Object.hasOwn(integersOf, type)) return undefined;
  const [least, greatest] = integersOf[type];
  const [scale] = quantization.scales;
  const [zeroPoint] = quantization.zeroPoints;
  return { min: scale * (least - zeroPoint), max: scale * (greatest - zeroPoint) };
}

/**
 * The file's constants as real numbers. Integers stand for real = scale · (integer − zero point); the products are computed in
 * float64 and rounded once to float32. Real numbers of 16 bits become float32 exactly.
 */
import { type FloatArray, sizeOf, type Tensor, tensor } from '../../tensor.js';
import { bytesOf, type NumberType, readNumbers } from '../tensors/numbers.js';
import type { FlatFile } from './flatbuffer.js';
import type { FileTensor, Quantization } from './model.js';

/** The schema's names of the number types that constants may have, and this library's. */
const numberTypes: Readonly<Record<string, NumberType>> = {
  FLOAT32: 'float32',
  FLOAT16: 'float16',
  INT32: 'int32',
  INT64: 'int64',
  UINT8: 'uint8',
  INT8: 'int8',
};

/** The numbers as the file holds them: integers stay integers. */
function storedNumbers(file: FlatFile, source: FileTensor): FloatArray {
  const where = describe(source);
  if (source.sparse) file.fail(where, 'sparse constants are not read');
  if (source.data === undefined) file.fail(where, 'wanted a constant, found a tensor without data');
  if (!Object.hasOwn(numberTypes, source.type)) {
    file.fail(where, `constants of type ${source.type} are not read; wanted ${Object.keys(numberTypes).join(', ')}`);
  }
  const type = numberTypes[source.type];
  const wanted = sizeOf(source.shape) * bytesOf(type);
  if (source.data.length !== wanted) {
    file.fail(
      where,
      `shape [${source.shape}] of ${source.type} wants ${wanted} bytes, its buffer has ${source.data.length}`,
    );
  }
  file.charge(wanted, where);
  return readNumbers(type, source.data, true, `${file.name}: ${where}`);
}

export function describe(tensor: FileTensor): string {
  return `tensor ${tensor.index} '${tensor.name}'`;
}

/** A small list of integers that steers an operator: axes, sizes, paddings. */
export function integers(file: FlatFile, source: FileTensor): number[] {
  if (source.type !== 'INT32' && source.type !== 'INT64') {
    file.fail(describe(source), `wanted integers, found ${source.type}`);
  }
  return Array.from(storedNumbers(file, source));
}

/** Real values of a constant: its own numbers when they are real, dequantised ones otherwise. */
export function realValues(file: FlatFile, source: FileTensor): Tensor {
  const numbers = storedNumbers(file, source);
  if (source.type === 'FLOAT32' || source.type === 'FLOAT16') return tensor(source.shape, numbers);
  const { quantization } = source;
  if (quantization === undefined) {
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

/**
 * The file's constants, as integers with their types or as real numbers. Integers stand for real = scale · (integer − zero point); the products are computed in
 * float64 and rounded once to float32. Real numbers of 16 bits become float32 exactly.
 */

import { biasScales } from '../../network/quantized-types.js';
import {
  type FloatArray,
  type PerChannelType,
  type QuantizedTensor,
  type QuantizedType,
  sizeOf,
  type Tensor,
  tensor,
} from '../../tensor.js';
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

function expectScales(file: FlatFile, source: FileTensor, scales: readonly number[], axis: number): void {
  if (source.shape[axis] === scales.length) return;
  file.fail(describe(source), `has ${scales.length} scales for axis ${axis} of shape [${source.shape}]`);
}

/** Which scale belongs to the number at a position: the only one, or the one of its index along the quantised axis. */
function channels(file: FlatFile, source: FileTensor, { scales, axis }: Quantization): (position: number) => number {
  if (scales.length === 1) return () => 0;
  expectScales(file, source, scales, axis);
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

/** The type of integers with one scale for the whole tensor; undefined for others. */
export function quantizedType({ type, quantization }: FileTensor): QuantizedType | undefined {
  if (quantization === undefined || !Object.hasOwn(quantizedTypes, type)) return undefined;
  const [scale] = quantization.scales;
  const [zeroPoint] = quantization.zeroPoints;
  return { type: quantizedTypes[type], scale, zeroPoint };
}

const quantizedTypes: Readonly<Record<string, 'int8' | 'uint8'>> = { INT8: 'int8', UINT8: 'uint8' };

/**
 * A kernel as the integers that it is stored as; undefined for real numbers and for what no kernel of TensorFlow Lite computes with. Scales may lie
 * along `channels` of the file's axes, which are the axes from `axis` on in this library's layout.
 */
export function integerKernel(
  file: FlatFile,
  source: FileTensor,
  channels: number,
  axis: number,
): QuantizedTensor | undefined {
  const { quantization } = source;
  const whole = quantizedType(source);
  if (quantization === undefined || whole === undefined) return undefined;
  const { scales, zeroPoints } = quantization;
  const perChannel = scales.length > 1;
  if (
    perChannel &&
    (whole.type !== 'int8' || quantization.axis !== channels || zeroPoints.some((zero) => zero !== 0))
  ) {
    return undefined;
  }
  if (perChannel) expectScales(file, source, scales, channels);
  const numbers = storedNumbers(file, source);
  const data = whole.type === 'int8' ? Int8Array.from(numbers) : Uint8Array.from(numbers);
  return { shape: source.shape, data, type: perChannel ? { type: 'int8', scales, axis } : whole };
}

/** A bias of int32. Where it states no scale, it counts in input scale · kernel scale. */
export function integerBias(
  file: FlatFile,
  bias: FileTensor,
  input: QuantizedType,
  kernel: QuantizedTensor,
): QuantizedTensor {
  const { scales, zeroPoints } = bias.quantization ?? {
    scales: biasScales(input, kernel).map(Math.fround),
    zeroPoints: [0],
  };
  const type: QuantizedType | PerChannelType =
    scales.length > 1
      ? { type: 'int32', scales, axis: 0 }
      : { type: 'int32', scale: scales[0], zeroPoint: zeroPoints[0] };
  return { shape: bias.shape, data: Int32Array.from(storedNumbers(file, bias)), type };
}

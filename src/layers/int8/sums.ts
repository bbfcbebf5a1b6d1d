/**
 * What the layers that sum products share. The sum is of distances from the zero points, so that padding counts as 0:
 *
 *   acc[o] = bias[o] + Σ (q_x − z_x) · (q_w − z_w),    q_y = z_y + acc[o] · d[o] rounded,    d[o] = s_x · s_w[o] / s_y
 *
 * The bias is int32 in units of s_x · s_w[o], and acc is int32: whole numbers, so that the order of a sum does not matter.
 */
import { UsageError } from '../../errors.js';
import type { QuantizedTensor, QuantizedType } from '../../tensor.js';
import { type Multiplier, multiplierOf, type Rounding, scalerOf } from './fixed-point.js';
import { clamp, type IntegerTensor, type IntegerWeights, rangeOf } from './layer.js';

/** Distances from the zero point. */
export function centred({ data, type }: QuantizedTensor): Int16Array {
  const zeroPoint = 'scale' in type ? type.zeroPoint : 0;
  return Int16Array.from(data, (q) => q - zeroPoint);
}

/** The function that makes the result's integer of a sum of products for output o. */
export function finisherOf(
  layer: string,
  x: IntegerTensor,
  { kernel, bias }: IntegerWeights,
  outputs: number,
  y: QuantizedType,
  rounding: Rounding,
): (sum: number, o: number) => number {
  const scalers = multipliersOf(layer, x.type, { kernel, bias }, outputs, y).map((d) => scalerOf(d, rounding));
  const [least, greatest] = rangeOf(y);
  return (sum, o) => clamp(scalers[o](bias ? sum + bias.data[o] : sum) + y.zeroPoint, least, greatest);
}

/** d of every output in fixed point. Throws a UsageError for types that do not fit each other. */
export function multipliersOf(
  layer: string,
  x: QuantizedType,
  { kernel, bias }: IntegerWeights,
  outputs: number,
  y: QuantizedType,
): Multiplier[] {
  expectTypes(layer, x, kernel, bias, outputs);
  expectBiasScale(layer, x, kernel, bias, y);
  return factorsOf(layer, x, kernel, outputs, y).map(multiplierOf);
}

/** d of every output. Kernels with one scale round s_x · s_w to float32 first, where they are uint8 or of a dense layer. */
function factorsOf(
  layer: string,
  x: QuantizedType,
  { type }: QuantizedTensor,
  outputs: number,
  y: QuantizedType,
): number[] {
  if (!('scale' in type)) return type.scales.map((scale) => (x.scale * scale) / y.scale);
  const product = x.scale * type.scale;
  const rounded = type.type === 'uint8' || layer === 'dense' ? Math.fround(product) : product;
  return new Array<number>(outputs).fill(rounded / y.scale);
}

function expectTypes(
  layer: string,
  x: QuantizedType,
  kernel: QuantizedTensor,
  bias: QuantizedTensor | undefined,
  outputs: number,
): void {
  if (kernel.type.type !== x.type) {
    throw new UsageError(`${layer}: an input of ${x.type} wants a kernel of ${x.type}, found ${kernel.type.type}`);
  }
  if ('scales' in kernel.type && kernel.type.scales.length !== outputs) {
    throw new UsageError(
      `${layer}: ${outputs} outputs want as many scales of the kernel, found ${kernel.type.scales.length}`,
    );
  }
  if (bias !== undefined && bias.type.type !== 'int32') {
    throw new UsageError(`${layer}: wanted a bias of int32, found ${bias.type.type}`);
  }
}

/** Where a kernel of one scale meets a bias that states another unit than s_x · s_w, TensorFlow Lite allows 2 % of a step of the result. */
function expectBiasScale(
  layer: string,
  x: QuantizedType,
  kernel: QuantizedTensor,
  bias: QuantizedTensor | undefined,
  y: QuantizedType,
): void {
  if (bias === undefined || !('scale' in kernel.type) || !('scale' in bias.type)) return;
  if (kernel.type.type === 'int8' && layer !== 'dense') return;
  const unit = x.scale * kernel.type.scale;
  if (Math.abs(unit - bias.type.scale) / y.scale > 0.02) {
    throw new UsageError(
      `${layer}: the bias counts in ${bias.type.scale}, wanted input scale · kernel scale = ${unit}`,
    );
  }
}

/** Rows of numbers times a matrix [C, O], as pointwise convolutions and dense layers are. */
export function multiplyRows(
  y: IntegerTensor,
  x: IntegerTensor,
  kernel: QuantizedTensor,
  finish: (sum: number, o: number) => number,
): void {
  const [C, O] = kernel.shape;
  const X = centred(x);
  const K = centred(kernel);
  const sums = new Int32Array(O);

  for (let row = 0; row < X.length / C; row++) {
    sums.fill(0);
    for (let c = 0; c < C; c++) {
      const value = X[row * C + c];
      for (let o = 0; o < O; o++) sums[o] += value * K[c * O + o];
    }
    for (let o = 0; o < O; o++) y.data[row * O + o] = finish(sums[o], o);
  }
}

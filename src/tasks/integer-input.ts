/** Pictures that go into a quantised network without a detour through real numbers. */
import { UsageError } from '../errors.js';
import { clamp, rangeOf } from '../layers/int8/layer.js';
import { isQuantizedType, type QuantizedInput } from '../network/quantized-network.js';
import { type QuantizedTensor, type Shape, sizeOf } from '../tensor.js';

/** The integers that a picture becomes. */
export interface IntegerInput extends QuantizedTensor {
  readonly data: Uint8Array | Int8Array;
  /** The integer that stands for a number of float32. */
  readonly nearest: (real: number) => number;
}

/**
 * To multiples of 2⁻¹⁵. Where a file's zero point and mean lie half a byte apart, every byte stands halfway between two integers; float32 and the
 * file's rounded scale move it a little up or down, which would decide where it goes.
 */
const tidy = (steps: number): number => Math.round(steps * 2 ** 15) / 2 ** 15;

/**
 * How a picture becomes the only input, if that takes integers of 8 bits: the nearest of each number. A half goes up, as where TensorFlow trains
 * quantised networks (FakeQuant); `quantize`, as TensorFlow Lite has it, gives halves below the zero point the lower integer.
 */
export function integerInput({ inputs }: { readonly inputs: readonly Pick<QuantizedInput, 'type'>[] }): {
  integersOf?(shape: Shape): IntegerInput;
} {
  const [{ type }, ...others] = inputs;
  if (others.length > 0 || !isQuantizedType(type) || type.type === 'int32') return {};
  const Numbers = type.type === 'uint8' ? Uint8Array : Int8Array;
  const [least, greatest] = rangeOf(type);
  const nearest = (real: number) => {
    if (Number.isNaN(real)) throw new UsageError('quantize: a number is NaN, for which there is no integer');
    return clamp(Math.floor(tidy(real / type.scale) + 0.5) + type.zeroPoint, least, greatest);
  };
  return { integersOf: (shape) => ({ shape, data: new Numbers(sizeOf(shape)), type, nearest }) };
}

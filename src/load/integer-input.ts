/** Pictures that go into a quantised network without a detour through real numbers. */
import { UsageError } from '../errors.js';
import { clamp, nearestInteger, rangeOf } from '../layers/int8/layer.js';
import { isQuantizedType, type QuantizedInput } from '../network/quantized-network.js';
import { sizeOf } from '../tensor.js';
import type { ModelPlan } from './model.js';

/** How a picture becomes the only input, if that takes integers of 8 bits: what `quantize` makes of each number. */
export function integerInput({
  inputs,
}: {
  readonly inputs: readonly Pick<QuantizedInput, 'type'>[];
}): Pick<ModelPlan, 'integersOf'> {
  const [{ type }, ...others] = inputs;
  if (others.length > 0 || !isQuantizedType(type) || type.type === 'int32') return {};
  const Numbers = type.type === 'uint8' ? Uint8Array : Int8Array;
  const [least, greatest] = rangeOf(type);
  const nearest = (real: number) => {
    if (Number.isNaN(real)) throw new UsageError('quantize: a number is NaN, for which there is no integer');
    return clamp(nearestInteger(real, type), least, greatest);
  };
  return { integersOf: (shape) => ({ shape, data: new Numbers(sizeOf(shape)), type, nearest }) };
}

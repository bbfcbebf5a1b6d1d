/** Pictures that go into a quantised network without a detour through real numbers. */
import { inputInteger } from '../layers/int8/layer.js';
import { isQuantizedType, type QuantizedInput } from '../network/quantized-network.js';
import { sizeOf } from '../tensor.js';
import type { ModelPlan } from './model.js';

/** How a picture becomes the only input, if that takes integers of 8 bits: what `inputInteger` makes of each number. */
export function integerInput({
  inputs,
}: {
  readonly inputs: readonly Pick<QuantizedInput, 'type'>[];
}): Pick<ModelPlan, 'integersOf'> {
  const [{ type }, ...others] = inputs;
  if (others.length > 0 || !isQuantizedType(type) || type.type === 'int32') return {};
  const Numbers = type.type === 'uint8' ? Uint8Array : Int8Array;
  const nearest = (real: number) => inputInteger(real, type);
  return { integersOf: (shape) => ({ shape, data: new Numbers(sizeOf(shape)), type, nearest }) };
}

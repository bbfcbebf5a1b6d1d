/** Between numbers as files hold them and integers with a type. */
import { isQuantizedTensor } from '../../network/quantized-network.js';
import { integerArrays, integerRanges } from '../../network/quantized-types.js';
import type { AnyTensor, IntegerArray, QuantizedTensor, QuantizedType, Tensor } from '../../tensor.js';

/** The integers themselves as floats: what two tensors of integers are compared by. */
export function asNumbers(x: AnyTensor): Tensor {
  if (!isQuantizedTensor(x)) return x;
  return { shape: x.shape, data: x.data instanceof Int32Array ? Float64Array.from(x.data) : Float32Array.from(x.data) };
}

/** The numbers as integers of the type; undefined where one of them is no whole number, or out of the type's range. */
export function asIntegers<Type extends QuantizedTensor['type']>(
  x: AnyTensor,
  type: Type,
): (QuantizedTensor & { readonly type: Type }) | undefined {
  const [least, greatest] = integerRanges[type.type];
  for (const q of x.data) if (!Number.isInteger(q) || q < least || q > greatest) return undefined;
  const data: IntegerArray = new integerArrays[type.type](x.data.length);
  data.set(x.data);
  return { shape: x.shape, data, type };
}

/** The real numbers that the integers stand for, rounded to float32. */
export function asReals({ shape, data }: AnyTensor, { scale, zeroPoint }: QuantizedType): Tensor {
  return { shape, data: Float32Array.from(data, (q) => scale * (q - zeroPoint)) };
}

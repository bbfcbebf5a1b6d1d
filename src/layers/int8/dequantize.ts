/** Integers to the real numbers that they stand for (DEQUANTIZE), s · (q − z) rounded to float32. */
import { type QuantizedTensor, type Tensor, zeros } from '../../tensor.js';
import { expectOne } from '../expect.js';
import { expectOneScale } from './layer.js';

export function forward(inputs: readonly QuantizedTensor[]): Tensor {
  const x = expectOneScale('dequantize', expectOne('dequantize', inputs));
  const y = zeros(x.shape);
  const { scale, zeroPoint } = x.type;
  for (let i = 0; i < y.data.length; i++) y.data[i] = scale * (x.data[i] - zeroPoint);
  return y;
}

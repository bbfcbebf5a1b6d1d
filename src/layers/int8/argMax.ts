/** Index of the greatest integer along the last axis (ARG_MAX), the lowest of equals. The result holds indices, with scale 1 and zero point 0. */
import { UsageError } from '../../errors.js';
import type { QuantizedTensor, QuantizedType } from '../../tensor.js';
import { argMax } from '../argMax.js';
import { expectBytes, type IntegerTensor, integers } from './layer.js';

export function forward(
  inputs: readonly QuantizedTensor[],
  _weights: object,
  _attributes: object,
  result: QuantizedType,
): IntegerTensor {
  const y = integers(argMax.outputShape(inputs.map(({ shape }) => shape)), result);
  if (result.scale !== 1 || result.zeroPoint !== 0) {
    throw new UsageError(
      `argMax: indices want scale 1 and zero point 0, found ${result.scale} and ${result.zeroPoint}`,
    );
  }
  const x = expectBytes('argMax', inputs[0]);
  const C = x.shape[x.shape.length - 1];

  for (let row = 0; row < y.data.length; row++) {
    let best = 0;
    for (let c = 1; c < C; c++) {
      if (x.data[row * C + c] > x.data[row * C + best]) best = c;
    }
    y.data[row] = best;
  }
  return y;
}

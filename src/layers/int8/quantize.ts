/**
 * Real numbers or integers to integers of the result's type (QUANTIZE), with halves away from zero and the division in float32:
 *
 *   q_y = z_y + x / s_y rounded,    or of integers    q_y = z_y + (q_x − z_x) · (s_x / s_y) rounded
 *
 * Equal scales and zero points that lie 128 apart, the change between int8 and uint8, keep every number exactly.
 */
import { UsageError } from '../../errors.js';
import type { AnyTensor, QuantizedType } from '../../tensor.js';
import { expectOne } from '../expect.js';
import { type Rounding, roundAway } from './fixed-point.js';
import { byTable, clamp, expectBytes, type IntegerTensor, integers, rangeOf, requantizerOf } from './layer.js';

export function forward(
  inputs: readonly AnyTensor[],
  _weights: object,
  _attributes: object,
  result: QuantizedType,
  rounding: Rounding,
): IntegerTensor {
  const x = expectOne('quantize', inputs);
  const y = integers(x.shape, result);
  if ('type' in x) {
    byTable(y, expectBytes('quantize', x), requantizerOf(x.type as QuantizedType, result, rounding));
    return y;
  }
  const [least, greatest] = rangeOf(result);
  const { scale, zeroPoint } = result;
  const [real, integer] = [x.data, y.data];
  for (let i = 0; i < real.length; i++) {
    const q = roundAway(Math.fround(real[i] / scale)) + zeroPoint;
    if (Number.isNaN(q)) throw new UsageError(`quantize: number ${i} is NaN, for which there is no integer`);
    integer[i] = clamp(q, least, greatest);
  }
  return y;
}

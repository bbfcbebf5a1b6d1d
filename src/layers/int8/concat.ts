/**
 * Joins integer tensors along one axis (CONCATENATION), as the float layer does. Inputs of int8 must have the result's scale and zero point.
 * Inputs of uint8 may have others, and are then brought to the result's in float32:
 *
 *   s = s_p · (1 / s_y),    q_y = z_y + (q_p · s − z_p · s) rounded, halves away from zero
 */
import { type QuantizedType, sizeOf } from '../../tensor.js';
import { axisOf, concat } from '../concat.js';
import { roundAway } from './fixed-point.js';
import { byTable, clamp, expectSameScale, type IntegerTensor, integerLayer, integers, rangeOf } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(concat, (y, inputs, _, attributes) => {
  const pieces = inputs.map((x) => rescaled(x, y.type));
  const axis = axisOf(y.shape, attributes);
  const blocks = sizeOf(y.shape.slice(0, axis));

  let offset = 0;
  for (let block = 0; block < blocks; block++) {
    for (const { shape, data } of pieces) {
      const size = sizeOf(shape.slice(axis));
      y.data.set(data.subarray(block * size, (block + 1) * size), offset);
      offset += size;
    }
  }
});

/** The same tensor in the result's scale and zero point. */
function rescaled(x: IntegerTensor, result: QuantizedType): IntegerTensor {
  const { type, scale, zeroPoint } = x.type;
  if (scale === result.scale && zeroPoint === result.zeroPoint) return x;
  if (type === 'int8') expectSameScale('concat', x.type, result);
  const factor = Math.fround(scale * Math.fround(1 / result.scale));
  const offset = Math.fround(-zeroPoint * factor);
  const [least, greatest] = rangeOf(result);
  const y = integers(x.shape, result);
  byTable(y, x, (q) =>
    clamp(roundAway(Math.fround(Math.fround(q * factor) + offset)) + result.zeroPoint, least, greatest),
  );
  return y;
}

/**
 * Sum of two integer tensors (ADD). Both are brought to one scale with 20 bits below the point, added, and brought to the result's:
 *
 *   t = float32(2 · max(s₁, s₂)),    r_p = 2^20 · (q_p − z_p) · (s_p / t) rounded,    q_y = z_y + (r₁ + r₂) · t / (2^20 · s_y) rounded
 *
 * Both roundings of `fixed-point.ts` are 'double' here: the optimised kernels of TensorFlow Lite add as the reference kernels do. With more than
 * two inputs the result would depend on their order: there must be two.
 */
import { ShapeError } from '../../errors.js';
import { add } from '../add.js';
import { multiplierOf, scalerOf } from './fixed-point.js';
import { clamp, integerLayer, rangeOf } from './layer.js';

/** Bits below the point: 255 · 2^20 leaves room for the sum of two in int32. */
const UNIT = 2 ** 20;

export const forward = /* @__PURE__ */ integerLayer(add, (y, inputs) => {
  if (inputs.length !== 2) throw new ShapeError(`add: takes two inputs of integers, found ${inputs.length}`);
  const [a, b] = inputs;
  const common = Math.fround(2 * Math.max(a.type.scale, b.type.scale));
  const [fromA, fromB] = inputs.map(({ type }) => scalerOf(multiplierOf(type.scale / common), 'double'));
  const toResult = scalerOf(multiplierOf(common / Math.fround(UNIT * y.type.scale)), 'double');
  const [least, greatest] = rangeOf(y.type);

  for (let i = 0; i < y.data.length; i++) {
    const sum = fromA((a.data[i] - a.type.zeroPoint) * UNIT) + fromB((b.data[i] - b.type.zeroPoint) * UNIT);
    y.data[i] = clamp(toResult(sum) + y.type.zeroPoint, least, greatest);
  }
});

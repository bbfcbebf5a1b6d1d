/**
 * Activations of integers: clamp between two numbers, and its cases relu (0, ∞) and relu6 (0, 6). The bounds are the nearest integers of the
 * result's type:
 *
 *   q_y = min(max(q_x, z + min/s rounded), z + max/s rounded)
 *
 * TensorFlow Lite fuses them into the layer before, with the same bits. Where the result has another scale than the input (RELU and RELU6
 * as operators of their own), the input is requantised first.
 */
import { clamp as floatClamp } from '../clamp.js';
import { byTable, clamp, type IntegerForward, integerLayer, nearestInteger, rangeOf, requantizerOf } from './layer.js';

export const forward = /* @__PURE__ */ integerLayer(floatClamp, (y, [x], _, { min, max }, rounding) => {
  const requantized = requantizerOf(x.type, y.type, rounding);
  const [least, greatest] = rangeOf(y.type);
  const low = clamp(nearestInteger(min, y.type), least, greatest);
  const high = clamp(nearestInteger(max, y.type), least, greatest);
  byTable(y, x, (q) => clamp(requantized(q), low, high));
});

/** Above every real number that integers stand for. */
const UNBOUNDED = 1e300;

const clampTo =
  (min: number, max: number): IntegerForward<object> =>
  (inputs, weights, _, result, rounding) =>
    forward(inputs, weights, { min, max }, result, rounding);

export const relu = /* @__PURE__ */ clampTo(0, UNBOUNDED);
export const relu6 = /* @__PURE__ */ clampTo(0, 6);

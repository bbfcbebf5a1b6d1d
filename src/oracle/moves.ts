/**
 * Layers that compute nothing: they move numbers, or choose among them. What they hand on has the error of what they chose.
 *
 *   pad, concat, flatten, reshape, dropout   the errors move as the numbers do
 *   relu, relu6, clamp                       |f(x̂) − f(x)| ≤ |x̂ − x|, and 0 where x̂ and x are clamped to the same end
 *   maxPool                                  |max x̂ − max x| ≤ max |x̂ − x|
 *   argMax                                   any index that may hold the largest number
 *
 * The constants of clamp and pad are rounded as they are stored.
 */
import type { PadAttributes } from '../layers/pad.js';
import type { Tensor } from '../tensor.js';
import { type Estimate, mapTensor } from './estimate.js';
import { isRepresentable, type Precision, roundoff } from './precision.js';
import type { Rule } from './rule.js';

export const move: Rule<object> = ({ inputs, forward }) => ({
  value: forward(inputs.map((x) => x.value)),
  error: forward(inputs.map((x) => x.error)),
});

export const pad: Rule<Required<PadAttributes>> = ({ inputs: [x], attributes, forward, precision }) => ({
  value: forward([x.value]),
  error: forward([x.error], {}, { ...attributes, value: storing(attributes.value, precision) }),
});

/** min(max(x, lo), hi). */
export const clamp =
  <Attributes>(limits: (attributes: Attributes) => readonly [number, number]): Rule<Attributes> =>
  ({ inputs: [x], attributes, forward, precision }) => {
    const [lo, hi] = limits(attributes);
    const atLo = storing(lo, precision);
    const atHi = storing(hi, precision);
    const value = forward([x.value]);
    const error = mapTensor(value, (y, i) => {
      const e = x.error.data[i];
      if (x.value.data[i] + e <= lo) return atLo;
      if (x.value.data[i] - e >= hi) return atHi;
      // Infinite errors end here too: both numbers lie between the limits, unless one of them is NaN.
      return Number.isNaN(y) ? 0 : Math.min(e, Math.max(y - lo, hi - y)) + atLo + atHi;
    });
    return { value, error };
  };

/** How far the stored constant is from the stated one. */
const storing = (constant: number, { stored }: Precision): number =>
  isRepresentable(constant, stored) ? 0 : roundoff(stored) * Math.max(Math.abs(constant), stored.smallest);

/**
 * The distance to the furthest index whose number may be the largest; 0 where the winner is certain. With inputs that are exact, that is
 * the furthest of equal ones: which of them wins differs between backends.
 */
export const argMax: Rule<object> = ({ inputs: [x], forward }) => {
  const value = forward([x.value]);
  return { value, error: mapTensor(value, (best, row) => furthestRival(x, row, best)) };
};

function furthestRival({ value, error }: Estimate, row: number, best: number): number {
  const channels = channelsOf(value);
  const from = row * channels;
  const least = value.data[from + best] - error.data[from + best];
  let furthest = 0;
  for (let c = 0; c < channels; c++) {
    const wins = value.data[from + c] + error.data[from + c] >= least || Number.isNaN(least);
    if (wins) furthest = Math.max(furthest, Math.abs(c - best));
  }
  return furthest;
}

const channelsOf = ({ shape }: Tensor): number => shape[shape.length - 1];

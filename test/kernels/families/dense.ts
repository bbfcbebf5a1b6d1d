/** Dense layer on one row: y[o] = bias[o] + Σ x[c]·k[c, o]. */
import fc from 'fast-check';
import { anyClamp, anyNumbers, count, draw, type Numbers, ordinary, UNCLAMPED } from '../numbers.js';
import { family, Sheet } from '../problem.js';
import { clamped, Sum } from '../sums.js';
import { filled, padded, panels, roundUp } from './layouts.js';

interface Dense {
  readonly channels: number;
  readonly units: number;
  readonly clamp: readonly [lo: number, hi: number];
  readonly numbers: Numbers;
}

export const dense = family<Dense>(
  'dense',
  'two',
  fc.record({ channels: count(90), units: count(50), clamp: anyClamp, numbers: anyNumbers }),
  {
    'one number in, one out': { channels: 1, units: 1, clamp: UNCLAMPED, numbers: ordinary(1) },
    '1001 classes': { channels: 9, units: 1001, clamp: UNCLAMPED, numbers: ordinary(2) },
  },
  ({ channels, units, clamp, numbers }) => {
    const next = draw(numbers);
    const x = filled(channels, next);
    const kernel = filled(channels * units, next);
    const bias = filled(units, next);
    const out = new Sheet(roundUp(units, 16));
    for (let o = 0; o < out.words; o++) {
      if (o >= units) {
        out.leaveFree(o);
        continue;
      }
      const sum = new Sum(bias[o]);
      for (let c = 0; c < channels; c++) sum.add(x[c], kernel[c * units + o]);
      const { value, bound } = clamped(sum.bounded, ...clamp);
      out.expect(o, value, bound, o);
    }
    return {
      inputs: { x, weights: panels(channels, units, 16, (c, o) => kernel[c * units + o]), bias: padded(bias, 16) },
      out,
      args: (address) => ({
        x: address('x'),
        channels,
        weights: address('weights'),
        bias: address('bias'),
        panels: out.words / 16,
        lo: clamp[0],
        hi: clamp[1],
        out: address('out'),
      }),
    };
  },
);

/** Pointwise convolution: y[p, o] = bias[o] + Σ x[p, c]·k[c, o]. */
import fc from 'fast-check';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { type AddressOf, family, poisoned } from '../problem.js';
import { Sum } from '../sums.js';
import { filled, padded, panels, quadWord, roundUp } from './layouts.js';
import { anyTile, QUADS, type Tile, tileOutput } from './tile.js';

interface Pointwise {
  readonly pixels: number;
  readonly channels: number;
  readonly filters: number;
  readonly tile: Tile;
  readonly numbers: Numbers;
}

export const pointwise = family<Pointwise>(
  'pointwise',
  'two',
  fc.record({ pixels: count(52), channels: count(72), filters: count(36), tile: anyTile, numbers: anyNumbers }),
  {
    'a single number': { pixels: 1, channels: 1, filters: 1, tile: QUADS, numbers: ordinary(1) },
    '49 = 12·4 + 1 pixels, 33 channels: tails of quads and of panels': {
      pixels: 49,
      channels: 33,
      filters: 33,
      tile: { ...QUADS, layout: 'residual' },
      numbers: ordinary(2),
    },
    '29 = (4 + 1 + 2)·4 + 1 pixels, each tile with a pixel more where that pays': {
      pixels: 29,
      channels: 34,
      filters: 12,
      tile: { ...QUADS, layout: 'planes' },
      numbers: ordinary(4),
    },
    '21 = (4 + 1)·4 + 1 pixels: the last one alone, with an odd number of panels': {
      pixels: 21,
      channels: 35,
      filters: 20,
      tile: { ...QUADS, layout: 'residual', clamp2: [0, 6] },
      numbers: ordinary(5),
    },
    'special numbers in planes': {
      pixels: 7,
      channels: 5,
      filters: 9,
      tile: { ...QUADS, layout: 'planes', clamp: [0, 6] },
      numbers: { kind: 'special', seed: 3 },
    },
  },
  (parameters) => {
    const { inputs, out, args, stride } = product(parameters);
    const { pixels, channels } = parameters;
    return {
      inputs,
      out,
      args: (address) => ({ x: address('x'), quadStride: stride * 4, pixels, channels, ...args(address) }),
    };
  },
);

/** The operands of the product but for those of x. */
function product({ pixels, channels, filters, tile, numbers }: Pointwise) {
  const next = draw(numbers);
  const kernel = filled(channels * filters, next);
  const bias = filled(filters, next);
  const stride = (roundUp(channels, 8) + tile.gap) * 4;
  const x = poisoned((roundUp(pixels, 4) / 4) * stride);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < channels; c++) x[quadWord(pixel, c, stride)] = next();
  }
  const { out, inputs, args } = tileOutput(tile, pixels, filters, numbers, (pixel, o) => {
    const sum = new Sum(bias[o]);
    for (let c = 0; c < channels; c++) sum.add(x[quadWord(pixel, c, stride)], kernel[c * filters + o]);
    return sum.bounded;
  });
  const weights = panels(channels, filters, 8, (c, o) => kernel[c * filters + o]);
  return {
    stride,
    out,
    inputs: { ...inputs, x, weights, bias: padded(bias, 8) },
    args: (address: AddressOf) => ({
      weights: address('weights'),
      bias: address('bias'),
      panels: Math.ceil(filters / 8),
      ...args(address),
    }),
  };
}

/** General convolution over a padded NHWC picture: y[i, j, o] = bias[o] + Σ x[i·s + di·d, j·s + dj·d, c]·k[di, dj, c, o]. */
import fc from 'fast-check';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family } from '../problem.js';
import { Sum } from '../sums.js';
import { filled, padded, panels, roundUp } from './layouts.js';
import { anyTile, QUADS, type Tile, tileOutput } from './tile.js';
import { anyWindows, eachTap, positions, type Windows } from './windows.js';

interface Convolution {
  readonly windows: Windows;
  readonly channels: number;
  readonly filters: number;
  readonly tile: Tile;
  readonly numbers: Numbers;
}

export const convolution = family<Convolution>(
  'convolution',
  'two',
  fc.record({ windows: anyWindows, channels: count(5), filters: count(17), tile: anyTile, numbers: anyNumbers }),
  {
    'the first layer: 3 channels, stride 2, padding after': {
      windows: { size: [14, 12], kernel: [3, 3], strides: [2, 2], dilation: [1, 1], padding: [0, 1, 0, 1] },
      channels: 3,
      filters: 32,
      tile: { ...QUADS, layout: 'planes', clamp: [0, 6] },
      numbers: ordinary(1),
    },
    'dilated: every tap is a run of its own': {
      windows: { size: [9, 9], kernel: [3, 3], strides: [1, 1], dilation: [2, 3], padding: [2, 2, 3, 3] },
      channels: 5,
      filters: 7,
      tile: { ...QUADS, layout: 'residual' },
      numbers: ordinary(2),
    },
  },
  ({ windows, channels, filters, tile, numbers }) => {
    const { size, kernel, dilation, padding } = windows;
    const next = draw(numbers);
    const picture = filled(size[0] * size[1] * channels, next);
    const weights = filled(kernel[0] * kernel[1] * channels * filters, next);
    const bias = filled(filters, next);
    const columns = padding[2] + size[1] + padding[3];
    const x = new Float32Array((padding[0] + size[0] + padding[1]) * columns * channels);
    for (let row = 0; row < size[0]; row++) {
      const from = row * size[1] * channels;
      x.set(picture.subarray(from, from + size[1] * channels), ((row + padding[0]) * columns + padding[2]) * channels);
    }

    const [rowsAt, columnsAt] = positions(windows);
    const begins = rowsAt.flatMap((row) => columnsAt.map((column) => [row, column] as const));
    const pixels = begins.length;
    const windowTable = Uint32Array.from({ length: roundUp(pixels, 4) }, (_, pixel) => {
      const [row, column] = begins[Math.min(pixel, pixels - 1)];
      return (row * columns + column) * channels * 4;
    });
    const oneRunARow = dilation[1] === 1;
    const runs: number[] = [];
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < (oneRunARow ? 1 : kernel[1]); j++)
        runs.push((i * dilation[0] * columns + j * dilation[1]) * channels * 4);
    }

    const { out, inputs, args } = tileOutput(tile, pixels, filters, numbers, (pixel, o) => {
      const sum = new Sum(bias[o]);
      eachTap(windows, ...begins[pixel], (i, j, y, xAt, inside) => {
        for (let c = 0; c < channels; c++) {
          const sample = inside ? picture[(y * size[1] + xAt) * channels + c] : 0;
          sum.add(sample, weights[((i * kernel[1] + j) * channels + c) * filters + o]);
        }
      });
      return sum.bounded;
    });
    return {
      inputs: {
        ...inputs,
        x,
        windows: windowTable,
        runs: Uint32Array.from(runs),
        weights: panels(kernel[0] * kernel[1] * channels, filters, 8, (row, o) => weights[row * filters + o]),
        bias: padded(bias, 8),
      },
      out,
      args: (address) => ({
        x: address('x'),
        pixels: address('windows'),
        quads: Math.ceil(pixels / 4),
        runs: address('runs'),
        runCount: runs.length,
        runLength: oneRunARow ? kernel[1] * channels : channels,
        weights: address('weights'),
        bias: address('bias'),
        panels: Math.ceil(filters / 8),
        ...args(address),
      }),
    };
  },
);

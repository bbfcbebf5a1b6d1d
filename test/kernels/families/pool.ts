/** Pooling. */
import fc from 'fast-check';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, poisoned, Sheet } from '../problem.js';
import { boundOf, Sum } from '../sums.js';
import { filled, quadWord, roundUp } from './layouts.js';
import { anyWindows, eachTap, positions, type Windows } from './windows.js';

interface Pool {
  readonly windows: Windows;
  readonly channels: number;
  readonly mode: 'max' | 'average' | 'average with padding';
  readonly numbers: Numbers;
}

/** The largest, or the mean; a window on padding alone has no answer, and layers with one are refused before. */
function pooled(values: readonly number[], mode: Pool['mode'], taps: number) {
  if (mode === 'max') return { value: values.reduce((a, b) => Math.max(a, b), -Infinity), bound: 0 };
  const sum = new Sum();
  for (const value of values) sum.add(value);
  const divisor = mode === 'average' ? values.length : taps;
  const { bound } = sum.bounded;
  return { value: sum.value / divisor, bound: bound / divisor + boundOf(1, Math.abs(sum.value / divisor) || 0) };
}

export const pool = family<Pool>(
  'pool',
  'all',
  fc.record({
    windows: anyWindows,
    channels: count(12),
    mode: fc.constantFrom<Pool['mode']>('max', 'average', 'average with padding'),
    numbers: anyNumbers,
  }),
  {
    'max, 3×3 stride 2, padding': {
      windows: { size: [7, 8], kernel: [3, 3], strides: [2, 2], dilation: [1, 1], padding: [1, 1, 1, 1] },
      channels: 5,
      mode: 'max',
      numbers: { kind: 'special', seed: 2 },
    },
    'average counts only what lies inside': {
      windows: { size: [5, 5], kernel: [3, 3], strides: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1] },
      channels: 9,
      mode: 'average',
      numbers: ordinary(3),
    },
  },
  ({ windows: any, channels, mode, numbers }) => {
    const windows: Windows = { ...any, dilation: [1, 1] };
    const { size, kernel, strides, padding } = windows;
    const x = filled(size[0] * size[1] * channels, draw(numbers));
    const [rows, columns] = positions(windows);
    const out = new Sheet(rows.length * columns.length * channels);
    rows.forEach((top, i) => {
      columns.forEach((left, j) => {
        for (let c = 0; c < channels; c++) {
          const seen: number[] = [];
          eachTap(windows, top, left, (_i, _j, y, xAt, inside) => {
            if (inside) seen.push(x[(y * size[1] + xAt) * channels + c]);
          });
          const word = (i * columns.length + j) * channels + c;
          if (seen.length === 0) {
            out.leaveFree(word);
            continue;
          }
          const { value, bound } = pooled(seen, mode, kernel[0] * kernel[1]);
          out.expect(word, value, bound, i, j, c);
        }
      });
    });
    return {
      inputs: { x },
      out,
      args: (address) => ({
        x: address('x'),
        height: size[0],
        width: size[1],
        channels,
        kernelHeight: kernel[0],
        kernelWidth: kernel[1],
        strideY: strides[0],
        strideX: strides[1],
        top: padding[0],
        left: padding[2],
        outHeight: rows.length,
        outWidth: columns.length,
        average: mode === 'max' ? 0 : 1,
        divisor: mode === 'average with padding' ? kernel[0] * kernel[1] : 0,
        out: address('out'),
      }),
    };
  },
);

interface GlobalAveragePool {
  readonly pixels: number;
  readonly channels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

export const globalAveragePool = family<GlobalAveragePool>(
  'globalAveragePool',
  'all',
  fc.record({ pixels: count(70), channels: count(20), gap: fc.nat(2), numbers: anyNumbers }),
  {
    '49 pixels': { pixels: 49, channels: 8, gap: 0, numbers: ordinary(1) },
    'one pixel': { pixels: 1, channels: 3, gap: 0, numbers: ordinary(2) },
  },
  ({ pixels, channels, gap, numbers }) => {
    const next = draw(numbers);
    const stride = (roundUp(channels, 8) + gap) * 4;
    const x = poisoned((roundUp(pixels, 4) / 4) * stride);
    const out = new Sheet(channels);
    for (let c = 0; c < channels; c++) {
      const values = filled(pixels, next);
      values.forEach((value, pixel) => {
        x[quadWord(pixel, c, stride)] = value;
      });
      const { value, bound } = pooled([...values], 'average', pixels);
      out.expect(c, value, bound, c);
    }
    return {
      inputs: { x },
      out,
      args: (address) => ({ x: address('x'), quadStride: stride * 4, pixels, channels, out: address('out') }),
    };
  },
);

/** Depthwise convolution over planes: y[i, j, c] = bias[c] + Σ x[i·s + di·d, j·s + dj·d, c]·k[di, dj, c], some pixels of it. */
import fc from 'fast-check';
import { anyClamp, anyNumbers, count, draw, type Numbers, ordinary, UNCLAMPED } from '../numbers.js';
import { family, poisoned, Sheet } from '../problem.js';
import { clamped, Sum } from '../sums.js';
import { filled, padded, panels, quadWord, roundUp, shuffled } from './layouts.js';
import { anyWindows, eachTap, positions, type Windows } from './windows.js';

interface Depthwise {
  readonly windows: Windows;
  readonly channels: number;
  readonly clamp: readonly [lo: number, hi: number];
  /** Shares of the output's rows to begin and to end at, 0 … 1: a block of rows is a part of the picture. */
  readonly from: number;
  readonly to: number;
  /** Vectors between one quad or plane and the next. */
  readonly gap: number;
  /** Rows that are summed before they become quads: as many as make whole quads, this many times. */
  readonly groups: number;
  readonly numbers: Numbers;
}

const WHOLE = { clamp: UNCLAMPED, from: 0, to: 1, gap: 0, groups: 1 } as const;

const share = fc.double({ min: 0, max: 1, noNaN: true });

export const depthwise = family<Depthwise>(
  'depthwise',
  'two',
  fc.record({
    windows: anyWindows,
    channels: count(12),
    clamp: anyClamp,
    from: fc.oneof(fc.constant(0), share),
    to: fc.oneof(fc.constant(1), share),
    gap: fc.nat(2),
    groups: count(3),
    numbers: anyNumbers,
  }),
  {
    '3×3, stride 1, rows of 7: quads of two rows': {
      windows: { size: [7, 7], kernel: [3, 3], strides: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1] },
      channels: 5,
      ...WHOLE,
      numbers: ordinary(1),
    },
    '3×3, stride 2, padding after, 49 pixels': {
      windows: { size: [14, 14], kernel: [3, 3], strides: [2, 2], dilation: [1, 1], padding: [0, 1, 0, 1] },
      channels: 8,
      ...WHOLE,
      numbers: ordinary(2),
    },
    '5×5, stride 1, rows of 14': {
      windows: { size: [11, 14], kernel: [5, 5], strides: [1, 1], dilation: [1, 1], padding: [2, 2, 2, 2] },
      channels: 6,
      ...WHOLE,
      numbers: ordinary(5),
    },
    '5×5, stride 2': {
      windows: { size: [13, 12], kernel: [5, 5], strides: [2, 2], dilation: [1, 1], padding: [2, 2, 1, 2] },
      channels: 7,
      ...WHOLE,
      numbers: ordinary(3),
    },
    'dilation 2, one channel, special numbers': {
      windows: { size: [9, 8], kernel: [3, 3], strides: [1, 1], dilation: [2, 2], padding: [2, 2, 2, 2] },
      channels: 1,
      ...WHOLE,
      clamp: [0, 6],
      numbers: { kind: 'special', seed: 4 },
    },
  },
  ({ windows, channels, clamp, from, to, gap, groups, numbers }) => {
    const { size, kernel, strides, dilation, padding } = windows;
    const next = draw(numbers);
    const picture = filled(size[0] * size[1] * channels, next);
    const weights = filled(kernel[0] * kernel[1] * channels, next);
    const bias = filled(channels, next);

    // Rows of the picture lie in any order, as in a ring buffer, and rows outside it are one row of zeros.
    const columns = padding[2] + size[1] + padding[3];
    const slots = shuffled(size[0] + 1, numbers.seed);
    const zeroRow = slots[size[0]];
    const planes = Math.ceil(channels / 4);
    const planeWords = ((size[0] + 1) * columns + gap) * 4;
    const x = poisoned(planes * planeWords + 3 * strides[1] * 4);
    for (let plane = 0; plane < planes; plane++) {
      for (let row = 0; row <= size[0]; row++) {
        const begin = plane * planeWords + slots[row] * columns * 4;
        x.fill(0, begin, begin + columns * 4);
        for (let word = 0; row < size[0] && word < size[1] * 4; word++) {
          const c = plane * 4 + (word & 3);
          if (c >= channels) continue;
          x[begin + padding[2] * 4 + word] = picture[(row * size[1] + (word >> 2)) * channels + c];
        }
      }
    }
    const rows = Uint32Array.from({ length: padding[0] + size[0] + padding[1] }, (_, row) => {
      const inside = row >= padding[0] && row < padding[0] + size[0];
      return (inside ? slots[row - padding[0]] : zeroRow) * columns * 16;
    });

    const [rowsAt, columnsAt] = positions(windows);
    const begins = rowsAt.flatMap((row) => columnsAt.map((column) => [row, column] as const));
    const width = columnsAt.length;
    const firstRow = Math.floor(Math.min(from, to) * (rowsAt.length - 1));
    const rowCount = Math.max(1, Math.ceil(Math.max(from, to) * rowsAt.length) - firstRow);
    const first = firstRow * width;
    const pixels = rowCount * width;
    const group = groups * (width % 4 === 0 ? 1 : width % 2 === 0 ? 2 : 4);
    const outChannels = roundUp(channels, 4);
    const stride = (outChannels + gap) * 4;
    const outWords = Math.ceil(pixels / 4) * stride;
    const scratchWords = (group * width + 3) * 4;
    const out = new Sheet(outWords + scratchWords);
    for (let word = 0; word < scratchWords; word++) out.leaveFree(outWords + word);
    for (let pixel = 0; pixel < roundUp(pixels, 4); pixel++) {
      for (let c = 0; c < outChannels; c++) {
        const word = quadWord(pixel, c, stride);
        if (pixel >= pixels || c >= channels) {
          out.leaveFree(word);
          continue;
        }
        const sum = new Sum(bias[c]);
        eachTap(windows, ...begins[first + pixel], (i, j, y, xAt, inside) =>
          sum.add(
            inside ? picture[(y * size[1] + xAt) * channels + c] : 0,
            weights[(i * kernel[1] + j) * channels + c],
          ),
        );
        const { value, bound } = clamped(sum.bounded, ...clamp);
        out.expect(word, value, bound, first + pixel, c);
      }
    }
    return {
      inputs: {
        x,
        rows,
        weights: panels(kernel[0] * kernel[1], channels, 4, (tap, c) => weights[tap * channels + c]),
        bias: padded(bias, 4),
      },
      out,
      args: (address) => ({
        x: address('x'),
        planeStride: planeWords * 4,
        planes,
        rows: address('rows'),
        kernelHeight: kernel[0],
        kernelWidth: kernel[1],
        strideY: strides[0],
        strideX: strides[1],
        dilationY: dilation[0],
        dilationX: dilation[1],
        weights: address('weights'),
        bias: address('bias'),
        lo: clamp[0],
        hi: clamp[1],
        width,
        first: firstRow,
        count: rowCount,
        group,
        out: address('out'),
        quadStride: stride * 4,
        scratch: address('out', outWords),
      }),
    };
  },
);

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../src/errors.js';
import { conv2d, depthwiseConv2d } from '../src/layers/index.js';
import {
  type AxisPadding,
  type Padding,
  type Pair,
  paddingInWords,
  slideWindow,
  slideWindows,
} from '../src/padding.js';
import { type Tensor, tensor } from '../src/tensor.js';

const slide = (size: number, kernel: number, stride: number, dilation: number, padding: AxisPadding) =>
  slideWindow('here', size, kernel, stride, dilation, padding);

describe('what LiteRT and TensorFlow.js do (test/recorded/padding.csv)', () => {
  const lines = readFileSync(new URL('recorded/padding.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const rows = lines.slice(3).map((line) => line.split(','));

  test('the record covers sizes 1-9, kernels 1-5, strides 1-3, dilation 1-2 on both axes', () => {
    const fitting = rows.filter(([, padding]) => padding === 'valid').length;
    expect(rows.length - fitting).toBe(2 * 9 * 5 * 3 * 2);
    expect(fitting).toBe(2 * 3 * (9 + 8 + 7 + 6 + 5 + (9 + 7 + 5 + 3 + 1))); // sizes of 9 and less that span 1-5, and 1, 3, 5, 7, 9
  });

  test.each(['height', 'width'])('%s: the same number of windows, over the same samples', (axis) => {
    for (const [, padding, ...numbers] of rows.filter(([recorded]) => recorded === axis)) {
      const [size, kernel, stride, dilation] = numbers.map(Number);
      const [out, before, after] = numbers.slice(4);
      const found = slide(size, kernel, stride, dilation, padding as AxisPadding);
      const where = `${axis}, ${padding}, size ${size}, kernel ${kernel}, stride ${stride}, dilation ${dilation}`;
      expect(found.out, where).toBe(Number(out));
      if (before !== '?') {
        expect([found.before, found.after], where).toEqual([Number(before), Number(after)]);
      } else {
        // No output showed a sample: here, too, every tap must miss all of them.
        for (let o = 0; o < found.out; o++) {
          for (let i = 0; i < kernel; i++) {
            const at = o * stride + i * dilation - found.before;
            expect(at < 0 || at >= size, where).toBe(true);
          }
        }
      }
    }
  });

  test.each(['same', 'valid'] as const)('%s: each axis by its own numbers, whatever the other one has', (padding) => {
    const fitting = rows.filter((row) => row[1] === padding && row[7] !== '?');
    const heights = fitting.filter(([axis]) => axis === 'height');
    const widths = fitting.filter(([axis]) => axis === 'width');
    fc.assert(
      fc.property(fc.constantFrom(...heights), fc.constantFrom(...widths), (height, width) => {
        const [h, w] = [height, width].map((row) => row.slice(2, 9).map(Number));
        const pair = (at: number) => [h[at], w[at]] as const;
        const windows = slideWindows('here', pair(0), pair(1), pair(2), pair(3), padding);
        expect(windows.vertical).toEqual({ out: h[4], before: h[5], after: h[6] });
        expect(windows.horizontal).toEqual({ out: w[4], before: w[5], after: w[6] });
      }),
    );
  });
});

/**
 * Which samples the middle tap of a 3-tap kernel with stride 2 lands on: the impulse at p shows at output o. TensorFlow pads an even
 * size by (0, 1), PyTorch by (1, 1): as many outputs, every sample shifted by one.
 */
describe('impulses, k = 3, s = 2', () => {
  const torch = { top: 1, bottom: 1, left: 1, right: 1 };
  const kernel = tensor([3, 3, 1, 1], [0, 0, 0, 0, 1, 0, 0, 0, 0]);

  /** Row and column of the sample that each output shows: [row, column] of every output pixel. */
  function centres(size: number, padding: Padding, convolve: (x: Tensor) => Tensor): string[] {
    const shown: string[] = [];
    for (let p = 0; p < size * size; p++) {
      const impulse = new Float32Array(size * size);
      impulse[p] = 1;
      const y = convolve(tensor([1, size, size, 1], impulse));
      expect(y.shape, `${padding}`).toEqual([1, Math.ceil(size / 2), Math.ceil(size / 2), 1]);
      y.data.forEach((value, o) => {
        if (value === 1) shown[o] = `${Math.floor(p / size)},${p % size}`;
      });
    }
    return shown;
  }

  const grid = (positions: number[]) => positions.flatMap((row) => positions.map((column) => `${row},${column}`));

  test.each([
    ['TensorFlow, even: (0, 1)', 6, 'same', [1, 3, 5]],
    ['PyTorch, even: (1, 1)', 6, torch, [0, 2, 4]],
    ['TensorFlow, odd: (1, 1)', 7, 'same', [0, 2, 4, 6]],
    ['PyTorch, odd: (1, 1)', 7, torch, [0, 2, 4, 6]],
    ['Keras V1, even: (0, 1)', 6, { top: 0, bottom: 1, left: 0, right: 1 }, [1, 3, 5]],
  ] as const)('%s', (_, size, padding, positions) => {
    const attributes = { kernelSize: [3, 3], strides: [2, 2], dilation: [1, 1], padding, bias: false } as const;
    const standard = centres(size, padding, (x) => conv2d.forward([x], { kernel }, { ...attributes, filters: 1 }));
    expect(standard).toEqual(grid([...positions]));
    const depthwise = centres(size, padding, (x) =>
      depthwiseConv2d.forward([x], { kernel }, { ...attributes, depthMultiplier: 1 }),
    );
    expect(depthwise).toEqual(grid([...positions]));
  });

  test('Keras V1, odd: (0, 1) has one output less than TensorFlow’s 4', () => {
    expect(slide(7, 3, 2, 1, [0, 1])).toEqual({ out: 3, before: 0, after: 1 });
    expect(slide(7, 3, 2, 1, 'same')).toEqual({ out: 4, before: 1, after: 1 });
  });
});

describe('by hand', () => {
  test.each([
    ['the odd sample goes after', [4, 2, 1, 1, 'same'], [4, 0, 1]],
    ['a kernel smaller than the stride needs no padding', [5, 1, 3, 1, 'same'], [2, 0, 0]],
    ['one sample under a wide kernel', [1, 5, 1, 1, 'same'], [1, 2, 2]],
    ['dilation widens the kernel', [7, 3, 1, 2, 'same'], [7, 2, 2]],
    ['valid drops what is left over', [8, 3, 3, 1, 'valid'], [2, 0, 0]],
    ['valid, exactly one window', [5, 3, 2, 2, 'valid'], [1, 0, 0]],
    ['explicit padding counts as samples', [4, 3, 2, 1, [1, 2]], [3, 1, 2]],
  ] as const)('%s', (_, [size, kernel, stride, dilation, padding], [out, before, after]) => {
    expect(slide(size, kernel, stride, dilation, padding)).toEqual({ out, before, after });
  });
});

test('explicit padding: windows are laid from the first padded sample on until one no longer fits', () => {
  const small = (max: number) => fc.integer({ min: 1, max });
  fc.assert(
    fc.property(small(20), small(6), small(4), small(3), fc.nat(5), fc.nat(5), (n, k, s, d, before, after) => {
      const span = 1 + d * (k - 1);
      fc.pre(span <= before + n + after);
      let count = 0;
      for (let start = 0; start + span <= before + n + after; start += s) count++;
      expect(slide(n, k, s, d, [before, after])).toEqual({ out: count, before, after });
    }),
  );
});

describe('errors', () => {
  test.each([
    [
      [4, 3, 1, 2, 'valid'],
      'here: a kernel spanning 5 (3 taps, dilation 2) does not fit into 4 samples padded by (0, 0)',
    ],
    [
      [1, 4, 1, 1, [1, 1]],
      'here: a kernel spanning 4 (4 taps, dilation 1) does not fit into 1 samples padded by (1, 1)',
    ],
  ] as const)('%j', ([size, kernel, stride, dilation, padding], message) => {
    expect(() => slide(size, kernel, stride, dilation, padding)).toThrow(new ShapeError(message));
  });

  const windows = (padding: unknown, size: [number, number] = [3, 3]) =>
    slideWindows('conv2d', size, [3, 3], [1, 1], [1, 1], padding as Padding);

  test('the axis is named', () => {
    expect(() => windows('valid', [2, 3])).toThrow(
      'conv2d, height: a kernel spanning 3 (3 taps, dilation 1) does not fit into 2 samples padded by (0, 0)',
    );
    expect(() => windows('valid', [3, 2])).toThrow('conv2d, width: a kernel spanning 3');
  });

  test('four sides, each where it belongs', () => {
    expect(windows({ top: 1, bottom: 2, left: 3, right: 4 })).toEqual({
      vertical: { out: 4, before: 1, after: 2 },
      horizontal: { out: 8, before: 3, after: 4 },
    });
  });
});

describe('explicit padding in words', () => {
  const around = (samples: number) => ({ top: samples, bottom: samples, left: samples, right: samples });
  const words = (size: number, kernel: number, stride: number, padding: Padding) =>
    paddingInWords('here', [size, size], [kernel, kernel], [stride, stride], [1, 1], padding);

  test("PyTorch's padding=1 of a 3 × 3 kernel is 'same' at stride 1, at stride 2 for odd sizes alone", () => {
    expect([7, 8].map((size) => words(size, 3, 1, around(1)))).toEqual(['same', 'same']);
    expect([7, 8].map((size) => words(size, 3, 2, around(1)))).toEqual(['same', around(1)]);
  });

  test("none is 'valid', too much stays, words stay", () => {
    expect(words(7, 3, 2, around(0))).toBe('valid');
    expect(words(7, 3, 1, around(2))).toEqual(around(2));
    expect([words(7, 3, 1, 'same'), words(7, 3, 1, 'valid'), words(7, 1, 1, 'valid')]).toEqual([
      'same',
      'valid',
      'valid',
    ]);
  });

  test('the words mean the same windows, and at stride 1 also at other sizes', () => {
    const small = fc.integer({ min: 1, max: 4 });
    const pair: fc.Arbitrary<Pair> = fc.tuple(small, small);
    const size: fc.Arbitrary<Pair> = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }));
    const side = fc.nat(3);
    const padding = fc.record({ top: side, bottom: side, left: side, right: side });
    const outsAndBefores = (...window: Parameters<typeof slideWindows>) => {
      const { vertical, horizontal } = slideWindows(...window);
      return [vertical, horizontal].map(({ out, before }) => [out, before]);
    };
    const fits = (slide: () => unknown): boolean => {
      try {
        slide();
        return true;
      } catch (error) {
        if (error instanceof ShapeError) return false;
        throw error;
      }
    };
    fc.assert(
      fc.property(size, size, pair, pair, pair, padding, (here, there, kernel, strides, dilation, sides) => {
        fc.pre(fits(() => slideWindows('x', here, kernel, strides, dilation, sides)));
        const found = paddingInWords('x', here, kernel, strides, dilation, sides);
        fc.pre(typeof found === 'string');
        const sizes = strides.every((stride) => stride === 1) && found === 'same' ? [here, there] : [here];
        for (const each of sizes) {
          expect(outsAndBefores('x', each, kernel, strides, dilation, found)).toEqual(
            outsAndBefores('x', each, kernel, strides, dilation, sides),
          );
        }
      }),
    );
  });
});

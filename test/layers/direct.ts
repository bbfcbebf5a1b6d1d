/**
 * A convolution and a pool solved a second time, by other means than `src`: the picture is drawn with its padding as nested arrays,
 * windows are laid on it until one no longer fits, and nothing is shared with `src/padding.ts` or `src/layers`.
 */
import fc from 'fast-check';
import type { Padding, Pair } from '../../src/padding.js';
import type { Shape, Tensor } from '../../src/tensor.js';

export interface Geometry {
  readonly shape: Shape;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

/** Any convolution that fits: sizes 1-9, kernels 1-4, strides 1-3, dilation 1-3, the three kinds of padding, batches of 1-2. */
export const anyGeometry = (maxDilation = 3): fc.Arbitrary<Geometry> => {
  const pair = (max: number) => fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 1, max }));
  const pad = fc.integer({ min: 0, max: 3 });
  return fc
    .record({
      shape: fc.tuple(
        fc.integer({ min: 1, max: 2 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
      ),
      kernelSize: pair(4),
      strides: pair(3),
      dilation: pair(maxDilation),
      padding: fc.oneof(
        fc.constantFrom<Padding>('same', 'valid'),
        fc.record({ top: pad, bottom: pad, left: pad, right: pad }),
      ),
    })
    .filter((geometry) => windowStarts(geometry).every((starts) => starts.length > 0));
};

/** Samples missing on each side of an axis, found by laying windows at 0, s, 2s, … below n and seeing how far the last reaches. */
function paddingOf(n: number, span: number, stride: number, padding: 'same' | 'valid' | Pair): Pair {
  if (padding === 'valid') return [0, 0];
  if (padding !== 'same') return padding;
  let reach = 0;
  for (let start = 0; start < n; start += stride) reach = start + span;
  let [before, after] = [0, 0];
  while (before + n + after < reach) {
    if (after > before) before++;
    else after++;
  }
  return [before, after];
}

interface Axis {
  readonly before: number;
  /** Positions of the kernel's first tap, counted from the first sample of the picture. */
  readonly starts: readonly number[];
}

function axisOf(n: number, kernel: number, stride: number, dilation: number, padding: 'same' | 'valid' | Pair): Axis {
  const span = kernel + (kernel - 1) * (dilation - 1);
  const [before, after] = paddingOf(n, span, stride, padding);
  const starts: number[] = [];
  for (let start = -before; start + span <= n + after; start += stride) starts.push(start);
  return { before, starts };
}

function axesOf({ shape, kernelSize, strides, dilation, padding }: Geometry): [Axis, Axis] {
  const word = typeof padding === 'string' ? padding : undefined;
  const sides = typeof padding === 'string' ? undefined : padding;
  return [
    axisOf(shape[1], kernelSize[0], strides[0], dilation[0], word ?? [sides!.top, sides!.bottom]),
    axisOf(shape[2], kernelSize[1], strides[1], dilation[1], word ?? [sides!.left, sides!.right]),
  ];
}

const windowStarts = (geometry: Geometry): (readonly number[])[] => axesOf(geometry).map(({ starts }) => starts);

/** One tap of one window: which picture sample it reads (undefined on padding) and which kernel position it is. */
export interface Tap {
  readonly row: number;
  readonly column: number;
  readonly inside: boolean;
  readonly i: number;
  readonly j: number;
}

export interface Window {
  readonly n: number;
  readonly taps: readonly Tap[];
}

/** All windows in the order of the output's pixels, and how many there are along each axis. */
export function windowsOf(geometry: Geometry): { outH: number; outW: number; windows: Window[] } {
  const { shape, kernelSize, dilation } = geometry;
  const [rows, columns] = windowStarts(geometry);
  const windows: Window[] = [];
  for (let n = 0; n < shape[0]; n++) {
    for (const top of rows) {
      for (const left of columns) {
        const taps: Tap[] = [];
        for (let i = 0; i < kernelSize[0]; i++) {
          for (let j = 0; j < kernelSize[1]; j++) {
            const row = top + i * dilation[0];
            const column = left + j * dilation[1];
            taps.push({
              row,
              column,
              i,
              j,
              inside: [row, column].every((at, axis) => at >= 0 && at < shape[axis + 1]),
            });
          }
        }
        windows.push({ n, taps });
      }
    }
  }
  return { outH: rows.length, outW: columns.length, windows };
}

/** Picture samples as nested arrays: picture[n][row][column][channel]. */
export function nested({ shape: [N, H, W, C], data }: Tensor): number[][][][] {
  const samples = data[Symbol.iterator]();
  const list = <Item>(length: number, make: () => Item): Item[] => Array.from({ length }, make);
  return list(N, () => list(H, () => list(W, () => list(C, () => samples.next().value as number))));
}

export interface Solution {
  readonly shape: Shape;
  readonly data: number[];
  /** Σ|x||w| + |bias| of every output. */
  readonly magnitude: number[];
  /** Products in every output's sum, those with padding included, and one for the bias. */
  readonly terms: number;
}

/** The convolution of any grouping: `weight(i, j, c, o)` is undefined where output channel o does not see input channel c. */
export function convolve(
  x: Tensor,
  geometry: Geometry,
  filters: number,
  weight: (i: number, j: number, c: number, o: number) => number | undefined,
  bias: (o: number) => number = () => 0,
): Solution {
  const picture = nested(x);
  const { outH, outW, windows } = windowsOf(geometry);
  const data: number[] = [];
  const magnitude: number[] = [];
  for (const { n, taps } of windows) {
    for (let o = 0; o < filters; o++) {
      const products = taps.flatMap(({ row, column, inside, i, j }) =>
        inside ? picture[n][row][column].map((sample, c) => sample * (weight(i, j, c, o) ?? 0)) : [],
      );
      data.push(products.reduce((sum, product) => sum + product, bias(o)));
      magnitude.push(products.reduce((sum, product) => sum + Math.abs(product), Math.abs(bias(o))));
    }
  }
  const { kernelSize, shape } = geometry;
  return {
    shape: [shape[0], outH, outW, filters],
    data,
    magnitude,
    terms: kernelSize[0] * kernelSize[1] * shape[3] + 1,
  };
}

/** Taps that fall on padding, over all windows. */
export const paddedTaps = (geometry: Geometry): number =>
  windowsOf(geometry).windows.reduce((sum, { taps }) => sum + taps.filter(({ inside }) => !inside).length, 0);

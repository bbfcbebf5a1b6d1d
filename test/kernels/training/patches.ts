/** Windows written out as rows of a matrix, and the gradients of those rows brought back to the pixels that they came from. */
import fc from 'fast-check';
import { roundUp } from '../families/layouts.js';
import { anyWindows, eachTap, positions, type Windows } from '../families/windows.js';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, poisoned, Sheet } from '../problem.js';
import { Sum } from '../sums.js';
import { eachNumber, filledMap, type MapLayout, mapLayout, TIGHT, wordAt, wordsOf } from './maps.js';

interface Patches {
  readonly windows: Windows;
  readonly images: number;
  readonly channels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const LARGEST_MATRIX = 6000;

/** Pixels of the output, times the numbers of a patch in groups of eight. */
const matrixWords = ({ windows, images, channels }: Patches): number => {
  const [rows, columns] = positions(windows);
  return images * rows.length * columns.length * roundUp(windows.kernel[0] * windows.kernel[1] * channels, 8);
};

const anyPatches = fc
  .record({
    windows: anyWindows,
    images: fc.integer({ min: 1, max: 3 }),
    channels: count(9),
    gap: fc.nat(3),
    numbers: anyNumbers,
  })
  .filter((problem) => matrixWords(problem) < LARGEST_MATRIX);

const named: Readonly<Record<string, Patches>> = {
  'the first layer: 3 channels, stride 2, padding after': {
    windows: { size: [8, 6], kernel: [3, 3], strides: [2, 2], dilation: [1, 1], padding: [0, 1, 0, 1] },
    ...{ images: 2, channels: 3, gap: 0, numbers: ordinary(1) },
  },
  'more channels than a group, dilation': {
    windows: { size: [7, 5], kernel: [3, 2], strides: [1, 1], dilation: [2, 3], padding: [2, 2, 1, 2] },
    ...{ images: 1, channels: 9, gap: 2, numbers: ordinary(2) },
  },
};

/** Both maps, the kernels' arguments for them, and a walk over all taps: pixel of the output, number of the patch, place in the input if it is inside. */
function geometry({ windows, images, channels, gap }: Patches) {
  const { size, kernel, strides, dilation, padding } = windows;
  const [rows, columns] = positions(windows);
  const shape = { images, rows: size[0], columns: size[1] };
  const x = mapLayout({ groups: Math.ceil(channels / 8), ...shape }, { ...TIGHT, group: gap });
  const numbers = kernel[0] * kernel[1] * channels;
  const pixels = { images, rows: rows.length, columns: columns.length };
  const patches = mapLayout({ groups: Math.ceil(numbers / 8), ...pixels }, { ...TIGHT, group: gap });
  const args = {
    ...{
      ...shape,
      channels,
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideY: strides[0],
      strideX: strides[1],
    },
    ...{ dilationY: dilation[0], dilationX: dilation[1], top: padding[0], left: padding[2] },
    ...{ outRows: rows.length, outColumns: columns.length },
  };
  type See = (patch: number, pixel: number | undefined, n: number, row: number, column: number, k: number) => void;
  const walk = (see: See) => {
    for (let n = 0; n < images; n++) {
      rows.forEach((top, row) => {
        columns.forEach((left, column) => {
          eachTap(windows, top, left, (i, j, y, xAt, inside) => {
            for (let c = 0; c < channels; c++) {
              const k = (i * kernel[1] + j) * channels + c;
              const pixel = inside ? wordAt(x, c >> 3, n, y, xAt, c & 7) : undefined;
              see(wordAt(patches, k >> 3, n, row, column, k & 7), pixel, n, row, column, k);
            }
          });
        });
      });
    }
  };
  return { x, patches, numbers, args, walk };
}

/** Drawn numbers in the first `channels` channels, poison in those that do not exist. */
function filledChannels(map: MapLayout, channels: number, next: () => number): Float32Array {
  const words = poisoned(wordsOf(map));
  eachNumber(map, (g, n, row, column, c) => {
    if (g * 8 + c < channels) words[wordAt(map, g, n, row, column, c)] = next();
  });
  return words;
}

export const toPatches = family<Patches>('toPatches', 'all', anyPatches, named, (problem) => {
  const { x, patches, numbers, args, walk } = geometry(problem);
  const X = filledChannels(x, problem.channels, draw(problem.numbers));
  const out = new Sheet(wordsOf(patches));
  walk((patch, pixel, ...coordinate) => out.expect(patch, pixel === undefined ? 0 : X[pixel], 0, ...coordinate));
  eachNumber(patches, (g, n, row, column, c) => {
    if (g * 8 + c >= numbers) out.expect(wordAt(patches, g, n, row, column, c), 0, 0, n, row, column, g * 8 + c);
  });
  return {
    inputs: { x: X },
    out,
    args: (address) => ({
      x: address('x'),
      xGroup: x.group * 4,
      ...args,
      patches: address('out'),
      patchGroup: patches.group * 4,
    }),
  };
});

export const addPatches = family<Patches>('addPatches', 'all', anyPatches, named, (problem) => {
  const { x, patches, numbers, args, walk } = geometry(problem);
  const next = draw(problem.numbers);
  const gradients = filledChannels(patches, numbers, next);
  const dx = filledMap(x, next);
  const sums = new Map<number, Sum>();
  eachNumber(x, (...place) => {
    const word = wordAt(x, ...place);
    sums.set(word, new Sum(dx[word]));
  });
  walk((patch, pixel) => {
    if (pixel !== undefined) sums.get(pixel)!.add(gradients[patch]);
  });
  const out = new Sheet(wordsOf(x));
  eachNumber(x, (g, n, row, column, c) => {
    const word = wordAt(x, g, n, row, column, c);
    const { value, bound } = sums.get(word)!.bounded;
    out.expect(word, value, bound, n, row, column, g * 8 + c);
  });
  return {
    inputs: { gradients, dx },
    out,
    over: 'dx',
    args: (address) => ({
      patches: address('gradients'),
      patchGroup: patches.group * 4,
      ...args,
      dx: address('out'),
      dxGroup: x.group * 4,
    }),
  };
});

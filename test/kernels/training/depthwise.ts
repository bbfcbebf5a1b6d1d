/**
 * Depthwise convolutions in training. Zeros around a map are numbers like others to these kernels: the maps here are filled to the last row and
 * column that a window reaches, and beyond lies poison.
 */
import fc from 'fast-check';
import { filled } from '../families/layouts.js';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, Sheet } from '../problem.js';
import { Sum } from '../sums.js';
import { anyGaps, distances, eachNumber, filledMap, type Gaps, mapLayout, TIGHT, wordAt, wordsOf } from './maps.js';

type Pair = readonly [y: number, x: number];

interface Depthwise {
  /** Rows and columns of the output. */
  readonly output: Pair;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly groups: number;
  readonly images: number;
  readonly gaps: Gaps;
  readonly outputGaps: Gaps;
  readonly numbers: Numbers;
}

const small = (max: number) => fc.integer({ min: 1, max });
const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(small(max), small(max));
const mostly = (usual: readonly Pair[], max: number): fc.Arbitrary<Pair> =>
  fc.oneof(fc.constantFrom(...usual), pair(max));

/** As many rows and columns as the windows see. */
const inputOf = ({ output, kernel, strides, dilation, groups, images, gaps }: Depthwise) => {
  const seen = (axis: 0 | 1) => (output[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
  return mapLayout({ groups, images, rows: seen(0), columns: seen(1) }, gaps);
};

const windowOperands = ({
  kernel,
  strides,
  dilation,
  output,
}: Pick<Depthwise, 'kernel' | 'strides' | 'dilation' | 'output'>) => ({
  ...{ kernelHeight: kernel[0], kernelWidth: kernel[1], strideY: strides[0], strideX: strides[1] },
  ...{ dilationY: dilation[0], dilationX: dilation[1], rows: output[0], columns: output[1] },
});

const LARGEST_MAP = 7500;

const anyDepthwise: fc.Arbitrary<Depthwise> = fc
  .record({
    output: fc.tuple(small(6), count(13)),
    kernel: mostly([[3, 3]], 5),
    strides: mostly(
      [
        [1, 1],
        [2, 2],
      ],
      3,
    ),
    dilation: mostly(
      [
        [1, 1],
        [1, 1],
        [2, 2],
      ],
      3,
    ),
    groups: small(3),
    images: small(3),
    gaps: anyGaps,
    outputGaps: anyGaps,
    numbers: anyNumbers,
  })
  .filter((problem) => wordsOf(inputOf(problem)) < LARGEST_MAP);

const usual: Depthwise = {
  output: [5, 7],
  kernel: [3, 3],
  strides: [1, 1],
  dilation: [1, 1],
  groups: 2,
  images: 2,
  gaps: TIGHT,
  outputGaps: TIGHT,
  numbers: ordinary(1),
};

const named: Readonly<Record<string, Depthwise>> = {
  '3×3, stride 1: tiles of four pixels and three left': usual,
  '3×3, stride 2': { ...usual, strides: [2, 2] },
  '3×3, dilation 2, special numbers': { ...usual, dilation: [2, 2], numbers: { kind: 'special', seed: 2 } },
  '5×5, with gaps': { ...usual, output: [2, 5], kernel: [5, 5], gaps: { row: 1, image: 2, group: 3 } },
  '3 rows and 2 columns': { ...usual, kernel: [3, 2] },
  '1×1': { ...usual, kernel: [1, 1] },
};

export const depthwiseGroups = family<Depthwise>('depthwiseGroups', 'two', anyDepthwise, named, (problem) => {
  const { output, kernel, strides, dilation, groups, images, outputGaps, numbers } = problem;
  const next = draw(numbers);
  const x = inputOf(problem);
  const X = filledMap(x, next);
  const weights = filled(groups * kernel[0] * kernel[1] * 8, next);
  const z = mapLayout({ groups, images, rows: output[0], columns: output[1] }, { ...TIGHT, group: outputGaps.group });
  const out = new Sheet(wordsOf(z));
  eachNumber(z, (g, n, row, column, c) => {
    const sum = new Sum();
    eachTap(kernel, (i, j, tap) => {
      const at = wordAt(x, g, n, row * strides[0] + i * dilation[0], column * strides[1] + j * dilation[1], c);
      sum.add(X[at], weights[(g * kernel[0] * kernel[1] + tap) * 8 + c]);
    });
    const { value, bound } = sum.bounded;
    out.expect(wordAt(z, g, n, row, column, c), value, bound, n, row, column, g * 8 + c);
  });
  return {
    inputs: { x: X, weights },
    out,
    args: (address) => ({
      x: address('x'),
      ...distances('x', x),
      ...{ groups, images, weights: address('weights') },
      ...windowOperands({ kernel, strides, dilation, output }),
      z: address('out'),
      zGroup: z.group * 4,
    }),
  };
});

export const depthwiseWeightGradient = family<Depthwise>(
  'depthwiseWeightGradient',
  'two',
  anyDepthwise,
  named,
  (problem) => {
    const { output, kernel, strides, dilation, groups, images, outputGaps, numbers } = problem;
    const next = draw(numbers);
    const x = inputOf(problem);
    const X = filledMap(x, next);
    const dz = mapLayout({ groups, images, rows: output[0], columns: output[1] }, outputGaps);
    const dZ = filledMap(dz, next);
    const taps = kernel[0] * kernel[1];
    const sums = Array.from({ length: groups * taps * 8 }, () => new Sum());
    eachNumber(dz, (g, n, row, column, c) => {
      const gradient = dZ[wordAt(dz, g, n, row, column, c)];
      eachTap(kernel, (i, j, tap) => {
        const at = wordAt(x, g, n, row * strides[0] + i * dilation[0], column * strides[1] + j * dilation[1], c);
        sums[(g * taps + tap) * 8 + c].add(gradient, X[at]);
      });
    });
    const out = new Sheet(sums.length);
    sums.forEach(({ bounded: { value, bound } }, word) => {
      out.expect(word, value, bound, Math.trunc(word / 8) % taps, Math.trunc(word / taps / 8) * 8 + (word % 8));
    });
    return {
      inputs: { x: X, dz: dZ },
      out,
      args: (address) => ({
        x: address('x'),
        ...distances('x', x),
        ...{ groups, images, dz: address('dz') },
        ...distances('dz', dz),
        ...windowOperands({ kernel, strides, dilation, output }),
        dw: address('out'),
      }),
    };
  },
);

interface InputGradient {
  readonly output: Pair;
  readonly input: Pair;
  readonly kernel: Pair;
  readonly strides: Pair;
  /** Rows and columns of padding before the picture. */
  readonly before: Pair;
  readonly groups: number;
  readonly images: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const halved: InputGradient = {
  output: [4, 5],
  input: [8, 9],
  kernel: [3, 3],
  strides: [2, 2],
  before: [0, 1],
  groups: 2,
  images: 2,
  gap: 1,
  numbers: ordinary(1),
};

/** The expected numbers are made the other way round: every output's gradient goes back to the pixels that its window saw. */
export const depthwiseInputGradient = family<InputGradient>(
  'depthwiseInputGradient',
  'two',
  fc.record({
    output: pair(7),
    input: pair(12),
    kernel: mostly([[3, 3]], 5),
    strides: mostly([[2, 2]], 3),
    before: fc.tuple(fc.nat(6), fc.nat(6)),
    groups: small(2),
    images: small(3),
    gap: fc.nat(3),
    numbers: anyNumbers,
  }),
  {
    'an even and an odd size, stride 2': halved,
    'stride 3 with a kernel of 2: pixels that no window saw': {
      ...halved,
      kernel: [2, 2],
      strides: [3, 3],
      before: [0, 0],
    },
    'stride 1 and more padding than the kernel reaches': { ...halved, strides: [1, 1], before: [5, 4] },
    'special numbers': { ...halved, numbers: { kind: 'special', seed: 4 } },
  },
  ({ output, input, kernel, strides, before, groups, images, gap, numbers }) => {
    const next = draw(numbers);
    const gaps = { ...TIGHT, group: gap };
    const dz = mapLayout({ groups, images, rows: output[0], columns: output[1] }, gaps);
    const dx = mapLayout({ groups, images, rows: input[0], columns: input[1] }, gaps);
    const dZ = filledMap(dz, next);
    const taps = kernel[0] * kernel[1];
    const weights = filled(groups * taps * 8, next);
    const sums = new Map<number, Sum>();
    eachNumber(dx, (...place) => sums.set(wordAt(dx, ...place), new Sum()));
    eachNumber(dz, (g, n, k, l, c) => {
      eachTap(kernel, (i, j, tap) => {
        const [row, column] = [k * strides[0] + i - before[0], l * strides[1] + j - before[1]];
        if (row < 0 || row >= input[0] || column < 0 || column >= input[1]) return;
        const weight = weights[(g * taps + tap) * 8 + c];
        sums.get(wordAt(dx, g, n, row, column, c))!.add(dZ[wordAt(dz, g, n, k, l, c)], weight);
      });
    });
    const out = new Sheet(wordsOf(dx));
    eachNumber(dx, (g, n, row, column, c) => {
      const word = wordAt(dx, g, n, row, column, c);
      const { value, bound } = sums.get(word)!.bounded;
      out.expect(word, value, bound, n, row, column, g * 8 + c);
    });
    return {
      inputs: { dz: dZ, weights },
      out,
      args: (address) => ({
        ...{ dz: address('dz'), dzGroup: dz.group * 4, groups, images, outRows: output[0], outColumns: output[1] },
        ...{ weights: address('weights'), kernelHeight: kernel[0], kernelWidth: kernel[1] },
        ...{ strideY: strides[0], strideX: strides[1], top: before[0], left: before[1] },
        ...{ rows: input[0], columns: input[1], dx: address('out'), dxGroup: dx.group * 4 },
      }),
    };
  },
);

function eachTap([rows, columns]: Pair, see: (i: number, j: number, tap: number) => void): void {
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) see(i, j, i * columns + j);
}

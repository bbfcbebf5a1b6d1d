/** The products of 1×1 convolutions in training: Y = X · W, and dW = Xᵀ · dY. */
import fc from 'fast-check';
import { filled, roundUp } from '../families/layouts.js';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, Sheet } from '../problem.js';
import { Sum } from '../sums.js';
import { eachNumber, filledMap, flatLayout, wordAt, wordsOf } from './maps.js';

interface Matrices {
  readonly pixels: number;
  /** Groups of eight inputs, panels of eight outputs. */
  readonly groups: number;
  readonly panels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const matrices = {
  pixels: count(200),
  groups: fc.integer({ min: 1, max: 4 }),
  panels: fc.integer({ min: 1, max: 4 }),
  gap: fc.nat(2),
  numbers: anyNumbers,
};

/** Pixels may be read and written up to the next multiple of four. */
export const product = family<Matrices & { readonly accumulate: boolean }>(
  'product',
  'two',
  fc.record({ ...matrices, accumulate: fc.boolean() }),
  {
    'three pixels left of a second block': {
      ...{ pixels: 135, groups: 2, panels: 2, gap: 1, numbers: ordinary(1) },
      accumulate: false,
    },
    '163 = 120 + 2·20 + 3 pixels, added to what is there': {
      ...{ pixels: 163, groups: 2, panels: 1, gap: 0, numbers: ordinary(3) },
      accumulate: true,
    },
    'one pixel, added to what is there': {
      ...{ pixels: 1, groups: 3, panels: 2, gap: 0, numbers: ordinary(2) },
      accumulate: true,
    },
  },
  ({ pixels, groups, panels, gap, accumulate, numbers }) => {
    const next = draw(numbers);
    const room = roundUp(pixels, 4) - pixels + gap;
    const x = flatLayout(groups, pixels, room);
    const y = flatLayout(panels, pixels, room);
    const X = filledMap(x, next);
    const W = filled(panels * groups * 64, next);
    const before = filledMap(y, next);
    const out = new Sheet(wordsOf(y));
    for (let panel = 0; panel < panels; panel++) {
      for (let pixel = pixels; pixel < roundUp(pixels, 4); pixel++) {
        for (let o = 0; o < 8; o++) out.leaveFree(wordAt(y, panel, 0, 0, pixel, o));
      }
    }
    eachNumber(y, (panel, n, row, pixel, o) => {
      const word = wordAt(y, panel, n, row, pixel, o);
      const sum = new Sum(accumulate ? before[word] : 0);
      for (let k = 0; k < groups * 8; k++) {
        sum.add(X[wordAt(x, k >> 3, 0, 0, pixel, k & 7)], W[(panel * groups * 8 + k) * 8 + o]);
      }
      const { value, bound } = sum.bounded;
      out.expect(word, value, bound, pixel, panel * 8 + o);
    });
    return {
      inputs: { x: X, weights: W, ...(accumulate && { y: before }) },
      out,
      ...(accumulate && { over: 'y' }),
      args: (address) => ({
        ...{ x: address('x'), xGroup: x.group * 4, pixels, groups, weights: address('weights'), panels },
        ...{ y: address('out'), yGroup: y.group * 4, accumulate: Number(accumulate) },
      }),
    };
  },
);

export const weightGradient = family<Matrices>(
  'weightGradient',
  'two',
  fc.record(matrices),
  {
    'a second block of one pixel': { pixels: 129, groups: 2, panels: 3, gap: 1, numbers: ordinary(1) },
    'one pixel': { pixels: 1, groups: 1, panels: 1, gap: 0, numbers: ordinary(2) },
  },
  ({ pixels, groups, panels, gap, numbers }) => {
    const next = draw(numbers);
    const x = flatLayout(groups, pixels, gap);
    const dy = flatLayout(panels, pixels, gap);
    const X = filledMap(x, next);
    const dY = filledMap(dy, next);
    const out = new Sheet(panels * groups * 64);
    for (let o = 0; o < panels * 8; o++) {
      for (let k = 0; k < groups * 8; k++) {
        const sum = new Sum();
        for (let pixel = 0; pixel < pixels; pixel++) {
          sum.add(X[wordAt(x, k >> 3, 0, 0, pixel, k & 7)], dY[wordAt(dy, o >> 3, 0, 0, pixel, o & 7)]);
        }
        const { value, bound } = sum.bounded;
        out.expect(((o >> 3) * groups * 8 + k) * 8 + (o & 7), value, bound, k, o);
      }
    }
    return {
      inputs: { x: X, dy: dY },
      out,
      args: (address) => ({
        ...{ x: address('x'), xGroup: x.group * 4, pixels, groups },
        ...{ dy: address('dy'), yGroup: dy.group * 4, panels, dw: address('out') },
      }),
    };
  },
);

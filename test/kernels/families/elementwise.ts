/** Layers that treat every number, or every row of numbers, by itself. */
import fc from 'fast-check';
import { anyClamp, anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, Sheet } from '../problem.js';
import { boundOf, clamped, plus, Sum } from '../sums.js';
import { filled } from './layouts.js';

interface Elementwise {
  readonly count: number;
  readonly clamp: readonly [lo: number, hi: number];
  readonly inPlace: boolean;
  readonly numbers: Numbers;
}

const anyElementwise = { count: count(300), clamp: anyClamp, inPlace: fc.boolean(), numbers: anyNumbers };

const special: Elementwise = { count: 33, clamp: [0, 6], inPlace: false, numbers: { kind: 'special', seed: 8 } };

/** `alone`: there is no second term. */
export const addAll = family<Elementwise & { readonly alone: boolean }>(
  'addAll',
  'all',
  fc.record({ ...anyElementwise, alone: fc.boolean() }),
  {
    'special numbers': { ...special, alone: false },
    'into the first term': { ...special, alone: false, inPlace: true },
    'relu6 of special numbers': { ...special, alone: true },
    'one term, in place': { ...special, alone: true, inPlace: true },
  },
  ({ count, clamp, alone, inPlace, numbers }) => {
    const next = draw(numbers);
    const a = filled(count, next);
    const b = filled(count, next);
    const out = new Sheet(count);
    a.forEach((value, i) => {
      const first = { value, bound: 0 };
      const sum = clamped(alone ? first : plus(first, b[i]), ...clamp);
      out.expect(i, sum.value, sum.bound, i);
    });
    return {
      inputs: { a, b },
      out,
      ...(inPlace && { over: 'a' }),
      args: (address) => ({
        ...{ a: address('a'), b: alone ? 0 : address('b'), count },
        ...{ lo: clamp[0], hi: clamp[1], out: address('out') },
      }),
    };
  },
);

export const multiply = family<Rows & { readonly inPlace: boolean }>(
  'multiply',
  'all',
  fc.record({ rows: count(5), length: count(70), numbers: anyNumbers, inPlace: fc.boolean() }),
  {
    'special numbers': { rows: 3, length: 11, numbers: special.numbers, inPlace: false },
    'into the first factor': { rows: 2, length: 9, numbers: special.numbers, inPlace: true },
  },
  ({ rows, length, inPlace, numbers }) => {
    const next = draw(numbers);
    const x = filled(rows * length, next);
    const factor = filled(length, next);
    const out = new Sheet(rows * length);
    x.forEach((value, i) => {
      const product = value * factor[i % length];
      out.expect(i, product, boundOf(1, Math.abs(product)), i);
    });
    return {
      inputs: { x, factor },
      out,
      ...(inPlace && { over: 'x' }),
      args: (address) => ({ x: address('x'), rows, length, factor: address('factor'), out: address('out') }),
    };
  },
);

/** A sixth, the sum with 1/2 and the product with x: three roundings of numbers below |x| / 6 + 1/2, of which the clamp leaves at most 1. */
export const hard = family<Elementwise & { readonly swish: boolean }>(
  'hard',
  'all',
  fc.record({ ...anyElementwise, swish: fc.boolean() }),
  {
    'hardSigmoid of special numbers': { ...special, swish: false },
    'hardSwish in place': { ...special, inPlace: true, swish: true },
  },
  ({ count, inPlace, numbers, swish }) => {
    const x = filled(count, draw(numbers));
    const out = new Sheet(count);
    x.forEach((value, i) => {
      const gate = Math.min(Math.max(value / 6 + 0.5, 0), 1);
      const y = swish ? value * gate : gate;
      out.expect(i, y, boundOf(3, swish ? Math.abs(value) : 1), i);
    });
    return {
      inputs: { x },
      out,
      ...(inPlace && { over: 'x' }),
      args: (address) => ({ x: address('x'), count, swish: swish ? 1 : 0, out: address('out') }),
    };
  },
);

interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly numbers: Numbers;
}

const anyRows = fc.record({ rows: count(9), length: count(40), numbers: anyNumbers });

export const affine = family<Rows>(
  'affine',
  'all',
  anyRows,
  { 'three channels': { rows: 5, length: 3, numbers: ordinary(1) } },
  ({ rows, length, numbers }) => {
    const next = draw(numbers);
    const x = filled(rows * length, next);
    const scale = filled(length, next);
    const shift = filled(length, next);
    const out = new Sheet(rows * length);
    x.forEach((value, i) => {
      const sum = new Sum(shift[i % length]);
      sum.add(value, scale[i % length]);
      out.expect(i, sum.value, sum.bounded.bound, Math.trunc(i / length), i % length);
    });
    return {
      inputs: { x, scale, shift },
      out,
      args: (address) => ({
        x: address('x'),
        pixels: rows,
        channels: length,
        scale: address('scale'),
        shift: address('shift'),
        out: address('out'),
      }),
    };
  },
);

/** Powers are float64 in the kernels, or rounded once more on the way: at most three roundings in all. */
const POWER_ROUNDINGS = 3;

export const sigmoid = family<Elementwise>(
  'sigmoid',
  'all',
  fc.record(anyElementwise),
  { 'special numbers': special, 'far out': { ...special, numbers: { kind: 'huge', seed: 1 } } },
  ({ count, numbers }) => {
    const x = filled(count, draw(numbers));
    const out = new Sheet(count);
    x.forEach((value, i) => {
      const y = 1 / (1 + Math.exp(-value));
      out.expect(i, y, boundOf(POWER_ROUNDINGS, Math.abs(y)), i);
    });
    return { inputs: { x }, out, args: (address) => ({ x: address('x'), count, out: address('out') }) };
  },
);

export const softmax = family<Rows & { readonly scale: number }>(
  'softmax',
  'all',
  fc.record({ rows: count(5), length: count(70), numbers: anyNumbers, scale: fc.constantFrom(1, 1, 40, 1e4) }),
  {
    'logits of 1e4': { rows: 2, length: 10, numbers: ordinary(1), scale: 5e3 },
    'one class': { rows: 3, length: 1, numbers: ordinary(2), scale: 1 },
  },
  ({ rows, length, numbers, scale }) => {
    const x = filled(rows * length, draw(numbers)).map((value) => value * scale);
    const out = new Sheet(rows * length);
    for (let row = 0; row < rows; row++) {
      const logits = [...x.subarray(row * length, (row + 1) * length)];
      const greatest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
      const powers = logits.map((logit) => Math.exp(logit - greatest));
      const sum = powers.reduce((a, b) => a + b, 0);
      powers.forEach((power, i) => {
        out.expect(row * length + i, power / sum, boundOf(POWER_ROUNDINGS, power / sum), row, i);
      });
    }
    return { inputs: { x }, out, args: (address) => ({ x: address('x'), rows, length, out: address('out') }) };
  },
);

/** Ties go to the lowest index, and NaN counts as greater than any number, as in the layer. */
export const argMax = family<Rows & { readonly levels: number }>(
  'argMax',
  'all',
  fc.record({ rows: count(9), length: count(40), numbers: anyNumbers, levels: fc.integer({ min: 1, max: 8 }) }),
  {
    'all equal': { rows: 2, length: 5, numbers: ordinary(1), levels: 0 },
    'NaN among the numbers': { rows: 9, length: 20, numbers: { kind: 'special', seed: 6 }, levels: 4 },
  },
  ({ rows, length, numbers, levels }) => {
    const x = filled(rows * length, draw(numbers)).map((value) => Math.round(value * levels));
    const out = new Sheet(rows);
    for (let row = 0; row < rows; row++) {
      const values = [...x.subarray(row * length, (row + 1) * length)];
      const nan = values.findIndex(Number.isNaN);
      out.expect(row, nan >= 0 ? nan : values.indexOf(Math.max(...values)), 0, row);
    }
    return { inputs: { x }, out, args: (address) => ({ x: address('x'), rows, length, out: address('out') }) };
  },
);

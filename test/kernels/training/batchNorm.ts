/**
 * Batch norm in training mode. Every bound follows the numbers of its own problem: those of the sums as everywhere, and from there on each
 * quotient, root and product takes along what its parts may be off by, at first and second order, and one rounding of its own.
 */
import fc from 'fast-check';
import { filled } from '../families/layouts.js';
import { anyClamp, count, draw, type Numbers, ordinary } from '../numbers.js';
import { type AddressOf, family, Sheet } from '../problem.js';
import { type Bounded, boundOf, clamped, Sum } from '../sums.js';
import type { NamedOperands } from '../table.js';
import {
  anyGaps,
  distances,
  eachNumber,
  filledMap,
  type Gaps,
  type MapLayout,
  mapLayout,
  TIGHT,
  wordAt,
  wordsOf,
} from './maps.js';

interface BatchNorm {
  readonly groups: number;
  readonly images: number;
  readonly rows: number;
  readonly columns: number;
  /** Behind a group of z and dy; around rows, images and groups of y and dz. */
  readonly gap: number;
  readonly gaps: Gaps;
  readonly epsilon: number;
  readonly clamp: readonly [lo: number, hi: number];
  /** Added to every z: a mean far from 0. */
  readonly shift: number;
  readonly numbers: Numbers;
}

const anyBatchNorm: fc.Arbitrary<BatchNorm> = fc.record({
  ...{ groups: count(2), images: count(3), rows: count(9), columns: count(9), gap: fc.nat(3), gaps: anyGaps },
  epsilon: fc.constantFrom(1e-3, 1e-5, 0).map(Math.fround),
  clamp: anyClamp,
  shift: fc.constantFrom(0, 0, 1, -30, 1000),
  numbers: fc.record({
    kind: fc.constantFrom<Numbers['kind']>('ordinary', 'ordinary', 'special', 'wide', 'tiny', 'huge'),
    seed: fc.nat(2 ** 31),
  }),
});

const relu6: BatchNorm = {
  ...{ groups: 2, images: 2, rows: 3, columns: 5, gap: 3, gaps: { row: 2, image: 14, group: 3 } },
  ...{ epsilon: Math.fround(1e-3), clamp: [0, 6], shift: 0, numbers: ordinary(1) },
};

const named: Readonly<Record<string, BatchNorm>> = {
  'relu6, with margins': relu6,
  'three blocks of pixels, no activation': {
    ...{ ...relu6, groups: 1, images: 3, rows: 20, columns: 9, gaps: TIGHT, clamp: [-Infinity, Infinity] },
  },
  'a mean of 1000 deviations': { ...relu6, shift: 1000 },
  'one pixel: a variance of 0': { ...relu6, images: 1, rows: 1, columns: 1 },
  'special numbers': { ...relu6, numbers: { kind: 'special', seed: 5 } },
  'y beyond float32 where the gradient is NaN': {
    ...relu6,
    ...{ groups: 1, rows: 9, columns: 4, gap: 0, gaps: { row: 0, image: 0, group: 0 } },
    ...{ clamp: [-Infinity, Infinity], shift: -30, numbers: { kind: 'special', seed: 950747327 } },
  },
};

/** z, its layout, gamma and beta. */
function operands(problem: BatchNorm, next: () => number) {
  const { groups, images, rows, columns, gap, shift } = problem;
  const z = mapLayout({ groups, images, rows, columns }, { ...TIGHT, group: gap });
  const Z = filledMap(z, () => next() + shift);
  return { z, Z, gamma: filled(groups * 8, next), beta: filled(groups * 8, next) };
}

/** The arguments that both kernels take in the same place. */
function normalisation(
  { epsilon, clamp, groups, images, rows, columns }: BatchNorm,
  { group }: MapLayout,
  address: AddressOf,
): NamedOperands {
  const [lo, hi] = clamp;
  const sizes = { group: group * 4, groups, images, rows, columns };
  return { ...sizes, gamma: address('gamma'), beta: address('beta'), epsilon, lo, hi };
}

/**
 * Writes what is wanted into the sheet. NaN must be NaN; an infinity, and numbers whose bound has grown beyond float32, may be what overflow on
 * the way makes of them.
 */
function expectWithin(out: Sheet, word: number, { value, bound }: Bounded, ...coordinate: number[]): void {
  const known = Number.isFinite(value) && !Number.isNaN(bound);
  out.expect(word, value, Number.isNaN(value) ? 0 : known ? bound : Infinity, ...coordinate);
}

/** All numbers of channel c of group g. */
function channelOf(map: MapLayout, numbers: Float32Array, g: number, c: number): number[] {
  const channel: number[] = [];
  eachNumber({ ...map, groups: 1 }, (_, n, row, column, lane) => {
    if (lane === c) channel.push(numbers[wordAt(map, g, n, row, column, c)]);
  });
  return channel;
}

/** The sum of the sizes of those that are finite. */
const sizeOf = (...parts: number[]): number =>
  parts.reduce((sum, part) => sum + (Number.isFinite(part) ? Math.abs(part) : 0), 0);

/**
 * μ and σ² of a channel of m numbers. The kernel sums d = z − z₀ and d², each d rounded once, each square once more:
 *   μ    off by what Σ d / m is, and the rounding of z₀ + …
 *   σ²   off by what Σ d² / m is, by what the square of Σ d / m is, and the rounding of their difference
 */
function statisticsOf(channel: readonly number[]): { mean: Bounded; variance: Bounded } {
  const m = channel.length;
  const sum = (part: (z: number) => number) => channel.reduce((total, z) => total + part(z), 0);
  const mean = sum((z) => z) / m;
  const shift = mean - channel[0];
  const shiftBound =
    boundOf(
      m + 4,
      sum((z) => Math.abs(z - channel[0])),
    ) / m;
  const squares = sum((z) => (z - channel[0]) ** 2);
  const squaresBound =
    boundOf(m + 8, squares) / m + (2 * Math.abs(shift) + shiftBound) * shiftBound + boundOf(3, squares / m);
  return {
    mean: { value: mean, bound: shiftBound + boundOf(2, sizeOf(channel[0], shift)) },
    variance: { value: sum((z) => (z - mean) ** 2) / m, bound: squaresBound },
  };
}

/** √(σ² + ε); |√w − √v| ≤ |w − v| / √v. Unbounded where σ² + ε may as well be 0. */
function deviationOf({ value, bound }: Bounded, epsilon: number): Bounded {
  const v = value + epsilon;
  const off = bound + boundOf(2, v);
  const root = Math.sqrt(v);
  return { value: root, bound: off < v ? off / root + boundOf(1, root) : Infinity };
}

/** a = γ / √(σ² + ε) */
function slopeOf(gamma: number, deviation: Bounded): Bounded {
  const { value: D, bound } = deviation;
  const least = D - bound;
  const off = least > 0 ? (Math.abs(gamma) * bound) / (D * least) : Infinity;
  return { value: gamma / D, bound: off + boundOf(2, Math.abs(gamma / D)) };
}

/**
 * y = z · a + (β − μ · a) before the clamp. In terms of what a and μ really are it is (z − μ) a + β, which gives the first two parts of the
 * bound; the rest are four roundings.
 */
function normalised(z: number, mean: Bounded, a: Bounded, beta: number): Bounded {
  const size = (sizeOf(z, mean.value) + mean.bound) * (Math.abs(a.value) + a.bound) + Math.abs(beta);
  const off = Math.abs(z - mean.value) * a.bound + mean.bound * (Math.abs(a.value) + a.bound);
  return { value: (z - mean.value) * a.value + beta, bound: off + boundOf(5, size) };
}

export const normalise = family<BatchNorm>('normalise', 'all', anyBatchNorm, named, (problem) => {
  const { groups, images, rows, columns, gaps, epsilon, clamp, numbers } = problem;
  const next = draw(numbers);
  const { z, Z, gamma, beta } = operands(problem, next);
  const y = mapLayout({ groups, images, rows, columns }, gaps);
  // One sheet for the three outputs, with words between them that must stay.
  const meanAt = wordsOf(y) + 8;
  const varianceAt = meanAt + groups * 8 + 8;
  const out = new Sheet(varianceAt + groups * 8);
  for (let channel = 0; channel < groups * 8; channel++) {
    const [g, c] = [channel >> 3, channel & 7];
    const values = channelOf(z, Z, g, c);
    const { mean, variance } = statisticsOf(values);
    const a = slopeOf(gamma[channel], deviationOf(variance, epsilon));
    for (const [at, statistic] of [
      [meanAt, mean],
      [varianceAt, variance],
    ] as const) {
      // Of infinite numbers the mean is infinite or NaN, as the order of the sum will have it.
      if (values.every(Number.isFinite)) expectWithin(out, at + channel, statistic, channel);
      else out.leaveFree(at + channel);
    }
    eachNumber({ ...y, groups: 1 }, (_, n, row, column, lane) => {
      if (lane !== c) return;
      const result = normalised(Z[wordAt(z, g, n, row, column, c)], mean, a, beta[channel]);
      expectWithin(out, wordAt(y, g, n, row, column, c), clamped(result, ...clamp), n, row, column, channel);
    });
  }
  return {
    inputs: { z: Z, gamma, beta },
    out,
    args: (address) => ({
      z: address('z'),
      ...normalisation(problem, z, address),
      y: address('out'),
      ...distances('y', y),
      mean: address('out', meanAt),
      variance: address('out', varianceAt),
    }),
  };
});

export const normaliseBackward = family<BatchNorm>('normaliseBackward', 'all', anyBatchNorm, named, (problem) => {
  const { groups, images, rows, columns, gaps, epsilon, clamp, numbers } = problem;
  const next = draw(numbers);
  const { z, Z, gamma, beta } = operands(problem, next);
  const dY = filledMap(z, next);
  const channels = Array.from({ length: groups * 8 }, (_, c) => statisticsOf(channelOf(z, Z, c >> 3, c & 7)));
  const mean = Float32Array.from(channels, ({ mean }) => mean.value);
  const variance = Float32Array.from(channels, ({ variance }) => variance.value);
  const dz = mapLayout({ groups, images, rows, columns }, gaps);
  const gammaAt = wordsOf(dz) + 8;
  const betaAt = gammaAt + groups * 8 + 8;
  const out = new Sheet(betaAt + groups * 8);
  for (let channel = 0; channel < groups * 8; channel++) {
    const [g, c] = [channel >> 3, channel & 7];
    const gradients = channelGradients(
      channelOf(z, Z, g, c),
      channelOf(z, dY, g, c),
      { gamma: gamma[channel], beta: beta[channel], mean: mean[channel], variance: variance[channel], epsilon },
      clamp,
      images * rows * columns,
      images,
    );
    const expect = (word: number, wanted: Bounded, ...coordinate: number[]) =>
      gradients.decided ? expectWithin(out, word, wanted, ...coordinate) : out.leaveFree(word);
    expect(gammaAt + channel, gradients.dgamma, channel);
    expect(betaAt + channel, gradients.dbeta, channel);
    let pixel = 0;
    eachNumber({ ...dz, groups: 1 }, (_, n, row, column, lane) => {
      if (lane !== c) return;
      expect(wordAt(dz, g, n, row, column, c), gradients.dz[pixel++], n, row, column, channel);
    });
  }
  return {
    inputs: { dy: dY, z: Z, gamma, beta, mean, variance },
    out,
    args: (address) => ({
      dy: address('dy'),
      z: address('z'),
      ...normalisation(problem, z, address),
      mean: address('mean'),
      variance: address('variance'),
      dz: address('out'),
      ...distances('dz', dz),
      dgamma: address('out', gammaAt),
      dbeta: address('out', betaAt),
    }),
  };
});

interface Channel {
  readonly gamma: number;
  readonly beta: number;
  readonly mean: number;
  readonly variance: number;
  readonly epsilon: number;
}

/**
 * dz, dγ and dβ of one channel, as the head of the kernel's file has them, for m pixels. Where y is so near an edge of the
 * clamp, or so large, that its rounding decides whether the gradient passes, both answers are right: that gradient widens all bounds that it is
 * part of; if it is NaN or infinite, nothing is decided.
 */
function channelGradients(
  z: readonly number[],
  dy: readonly number[],
  { gamma, beta, mean, variance, epsilon }: Channel,
  [lo, hi]: readonly [number, number],
  m: number,
  images: number,
): { dz: Bounded[]; dgamma: Bounded; dbeta: Bounded; decided: boolean } {
  const deviation = deviationOf({ value: variance, bound: 0 }, epsilon);
  const a = slopeOf(gamma, deviation);
  const edge = z.map((v) => normalised(v, { value: mean, bound: 0 }, a, beta));
  const g = edge.map(({ value }, i) => (value <= lo || value >= hi ? 0 : dy[i]));
  const open = edge.map(({ value, bound }, i) => {
    const sure = Number.isNaN(value) || [lo, hi].every((limit) => Math.abs(value - limit) > bound);
    return sure ? 0 : Math.abs(dy[i]);
  });

  const sum = new Sum();
  const products = new Sum();
  z.forEach((v, i) => {
    sum.add(g[i]);
    products.add(g[i], v - mean);
  });
  const P =
    products.bounded.bound +
    boundOf(images + 2, products.magnitude) +
    total(z.map((v, i) => open[i] * Math.abs(v - mean)));
  const dbeta = { value: sum.value, bound: sum.bounded.bound + boundOf(images, sum.magnitude) + total(open) };
  const dgamma = quotient({ value: products.value, bound: P }, deviation);

  const share = quotient(dgamma, deviation);
  const tilt = times(a, { value: share.value / m, bound: share.bound / m + boundOf(1, sizeOf(share.value / m)) });
  const level = times(a, { value: dbeta.value / m, bound: dbeta.bound / m + boundOf(1, sizeOf(dbeta.value / m)) });
  const dz = z.map((v, i): Bounded => {
    const passed = times(a, { value: g[i], bound: open[i] });
    const off = passed.bound + Math.abs(v - mean) * tilt.bound + level.bound;
    const size = sizeOf(passed.value, v * tilt.value, mean * tilt.value, level.value, sizeOf(v, mean) * tilt.bound);
    const value = passed.value - (v * tilt.value + (level.value - mean * tilt.value));
    return { value, bound: off + boundOf(6, size) };
  });
  return { dz, dgamma, dbeta, decided: open.every(Number.isFinite) };
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

function times(a: Bounded, b: Bounded): Bounded {
  const value = a.value * b.value;
  const off = sizeOf(a.value) * b.bound + sizeOf(b.value) * a.bound + a.bound * b.bound;
  return { value, bound: off + boundOf(1, sizeOf(value) + off) };
}

function quotient(a: Bounded, b: Bounded): Bounded {
  const value = a.value / b.value;
  const least = b.value - b.bound;
  const off = least > 0 ? (a.bound + sizeOf(value) * b.bound) / least : Infinity;
  return { value, bound: off + boundOf(1, sizeOf(value) + off) };
}

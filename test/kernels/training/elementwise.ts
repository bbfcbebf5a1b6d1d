/** Activations without a batch norm, additions, biases, the global average pool, and maps that get margins. */
import fc from 'fast-check';
import { filled } from '../families/layouts.js';
import { anyClamp, anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, Sheet } from '../problem.js';
import { boundOf, clamped, plus, Sum } from '../sums.js';
import { distances, eachNumber, filledMap, flatLayout, type Gaps, mapLayout, TIGHT, wordAt, wordsOf } from './maps.js';

interface Elementwise {
  /** Vectors of four numbers. */
  readonly vectors: number;
  readonly clamp: readonly [lo: number, hi: number];
  readonly numbers: Numbers;
}

const anyElementwise = fc.record({ vectors: count(60), clamp: anyClamp, numbers: anyNumbers });

const special: Elementwise = { vectors: 33, clamp: [0, 6], numbers: { kind: 'special', seed: 8 } };
const onEdges: Elementwise = { vectors: 8, clamp: [0, 6], numbers: ordinary(1) };

export const clampForward = family<Elementwise>(
  'clampForward',
  'all',
  anyElementwise,
  { 'relu6 of special numbers': special },
  ({ vectors, clamp, numbers }) => {
    const x = filled(vectors * 4, draw(numbers));
    const out = new Sheet(x.length);
    x.forEach((value, i) => {
      out.expect(i, clamped({ value, bound: 0 }, ...clamp).value, 0, i);
    });
    return {
      inputs: { x },
      out,
      args: (address) => ({ x: address('x'), bytes: x.byteLength, lo: clamp[0], hi: clamp[1], y: address('out') }),
    };
  },
);

/** The gradient stops where x reaches a bound and passes elsewhere: a gradient of NaN does so too, and an x of NaN lets it pass. */
export const clampBackward = family<Elementwise>(
  'clampBackward',
  'all',
  anyElementwise,
  { 'relu6 of special numbers': special, 'nothing passes on the edges themselves': onEdges },
  ({ vectors, clamp, numbers }) => {
    const next = draw(numbers);
    const dy = filled(vectors * 4, next);
    const x = filled(vectors * 4, next);
    x.set(clamp.filter(Number.isFinite));
    const out = new Sheet(x.length);
    x.forEach((value, i) => {
      out.expect(i, value <= clamp[0] || value >= clamp[1] ? 0 : dy[i], 0, i);
    });
    return {
      inputs: { dy, x },
      out,
      args: (address) => ({
        dy: address('dy'),
        x: address('x'),
        bytes: x.byteLength,
        lo: clamp[0],
        hi: clamp[1],
        dx: address('out'),
      }),
    };
  },
);

/** x / scale is rounded to the nearest whole number, halves to even, and to float32 as the product is. */
export const fakeQuantize = family<Elementwise>(
  'fakeQuantize',
  'all',
  anyElementwise,
  { halves: { vectors: 8, clamp: [-128, 127], numbers: ordinary(2) } },
  ({ vectors, clamp: [lo, hi], numbers }) => {
    const x = filled(vectors * 4, draw(numbers));
    const scale = Math.fround(0.05);
    x.set([0.5, 1.5, -2.5, 3.5].map((halves) => halves * scale));
    const out = new Sheet(x.length);
    x.forEach((value, i) => {
      const whole = evenRounded(Math.fround(value / scale));
      out.expect(i, Math.fround(clamped({ value: whole, bound: 0 }, lo, hi).value * scale), 0, i);
    });
    return {
      inputs: { x },
      out,
      over: 'x',
      args: (address) => ({ x: address('out'), bytes: x.byteLength, scale, lo, hi }),
    };
  },
);

function evenRounded(value: number): number {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

interface Bytes {
  readonly vectors: number;
}

const anyBytes = fc.record({ vectors: count(60) });

export const zeroBytes = family<Bytes>('zeroBytes', 'all', anyBytes, {}, ({ vectors }) => {
  const out = new Sheet(vectors * 4);
  for (let word = 0; word < vectors * 4; word++) out.expect(word, 0, 0, word);
  return { inputs: {}, out, args: (address) => ({ y: address('out'), bytes: vectors * 16 }) };
});

export const copyBytes = family<Bytes>('copyBytes', 'all', anyBytes, {}, ({ vectors }) => {
  const x = Float32Array.from({ length: vectors * 4 }, (_, word) => word + 1);
  const out = new Sheet(x.length);
  x.forEach((value, word) => {
    out.expect(word, value, 0, word);
  });
  return { inputs: { x }, out, args: (address) => ({ x: address('x'), bytes: x.byteLength, y: address('out') }) };
});

export const addMaps = family<Omit<Elementwise, 'clamp'> & { readonly over?: 'a' | 'b' | undefined }>(
  'addMaps',
  'all',
  fc.record({
    vectors: count(60),
    numbers: anyNumbers,
    over: fc.constantFrom<('a' | 'b' | undefined)[]>(undefined, 'a', 'b'),
  }),
  {
    'special numbers': { vectors: 33, numbers: { kind: 'special', seed: 3 } },
    'into the second term': { vectors: 9, numbers: ordinary(1), over: 'b' },
  },
  ({ vectors, numbers, over }) => {
    const next = draw(numbers);
    const a = filled(vectors * 4, next);
    const b = filled(vectors * 4, next);
    const out = new Sheet(a.length);
    a.forEach((value, i) => {
      const sum = plus({ value, bound: 0 }, b[i]);
      out.expect(i, sum.value, sum.bound, i);
    });
    return {
      inputs: { a, b },
      out,
      ...(over && { over }),
      args: (address) => ({ a: address('a'), b: address('b'), bytes: a.byteLength, y: address('out') }),
    };
  },
);

interface Copy {
  readonly groups: number;
  readonly images: number;
  readonly rows: number;
  readonly columns: number;
  readonly gap: number;
  readonly gaps: Gaps;
  readonly numbers: Numbers;
}

export const copyRows = family<Copy>(
  'copyRows',
  'all',
  fc.record({
    groups: count(3),
    images: count(3),
    rows: count(6),
    columns: count(9),
    gap: fc.nat(3),
    gaps: fc.record({ row: fc.nat(4), image: fc.nat(20), group: fc.nat(4) }),
    numbers: anyNumbers,
  }),
  {
    'a margin of one around 3 × 5 pixels': {
      ...{ groups: 2, images: 2, rows: 3, columns: 5, gap: 3, numbers: ordinary(1) },
      gaps: { row: 2, image: 14, group: 3 },
    },
  },
  ({ gap, gaps, numbers, ...shape }) => {
    const x = mapLayout(shape, { ...TIGHT, group: gap });
    const y = mapLayout(shape, gaps);
    const X = filledMap(x, draw(numbers));
    const out = new Sheet(wordsOf(y));
    eachNumber(shape, (g, n, row, column, c) => {
      out.expect(wordAt(y, g, n, row, column, c), X[wordAt(x, g, n, row, column, c)], 0, n, row, column, g * 8 + c);
    });
    return {
      inputs: { x: X },
      out,
      args: (address) => ({
        ...{ x: address('x'), group: x.group * 4, ...shape },
        ...{ y: address('out'), ...distances('y', y) },
      }),
    };
  },
);

interface Bias {
  readonly groups: number;
  readonly pixels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const anyBias = fc.record({ groups: count(4), pixels: count(70), gap: fc.nat(3), numbers: anyNumbers });

export const biasForward = family<Bias>(
  'biasForward',
  'all',
  anyBias,
  { 'two groups': { groups: 2, pixels: 5, gap: 1, numbers: { kind: 'special', seed: 1 } } },
  ({ groups, pixels, gap, numbers }) => {
    const bias = filled(groups * 8, draw(numbers));
    const y = flatLayout(groups, pixels, gap);
    const out = new Sheet(wordsOf(y));
    eachNumber(y, (g, n, row, pixel, c) => {
      out.expect(wordAt(y, g, n, row, pixel, c), bias[g * 8 + c], 0, pixel, g * 8 + c);
    });
    return {
      inputs: { bias },
      out,
      args: (address) => ({ bias: address('bias'), groups, pixels, y: address('out'), group: y.group * 4 }),
    };
  },
);

export const biasGradient = family<Bias>(
  'biasGradient',
  'all',
  anyBias,
  { 'a third block of one pixel': { groups: 2, pixels: 513, gap: 3, numbers: ordinary(1) } },
  ({ groups, pixels, gap, numbers }) => {
    const dy = flatLayout(groups, pixels, gap);
    const dY = filledMap(dy, draw(numbers));
    const sums = Array.from({ length: groups * 8 }, () => new Sum());
    eachNumber(dy, (g, n, row, pixel, c) => sums[g * 8 + c].add(dY[wordAt(dy, g, n, row, pixel, c)]));
    const out = new Sheet(sums.length);
    sums.forEach(({ bounded: { value, bound } }, c) => {
      out.expect(c, value, bound, c);
    });
    return {
      inputs: { dy: dY },
      out,
      args: (address) => ({ dy: address('dy'), group: dy.group * 4, groups, pixels, db: address('out') }),
    };
  },
);

interface Pool {
  readonly groups: number;
  readonly images: number;
  readonly pixels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const anyPool = fc.record({
  ...{ groups: count(4), images: count(5), pixels: count(50), gap: fc.nat(3) },
  numbers: anyNumbers,
});

const pools: Readonly<Record<string, Pool>> = {
  '4 × 4 pixels of two images': { groups: 2, images: 2, pixels: 16, gap: 3, numbers: ordinary(1) },
  'one pixel, special numbers': { groups: 1, images: 3, pixels: 1, gap: 0, numbers: { kind: 'special', seed: 2 } },
};

/** The map of all pixels and that of one pixel an image. */
const poolMaps = ({ groups, images, pixels, gap }: Pool) => [
  mapLayout({ groups, images, rows: 1, columns: pixels }, { ...TIGHT, group: gap }),
  flatLayout(groups, images, gap),
];

export const poolForward = family<Pool>('poolForward', 'all', anyPool, pools, (problem) => {
  const { groups, images, pixels, numbers } = problem;
  const [x, y] = poolMaps(problem);
  const X = filledMap(x, draw(numbers));
  const out = new Sheet(wordsOf(y));
  eachNumber(y, (g, _n, _row, image, c) => {
    const sum = new Sum();
    for (let pixel = 0; pixel < pixels; pixel++) sum.add(X[wordAt(x, g, image, 0, pixel, c)]);
    const mean = sum.value / pixels;
    // Where finite numbers alone may overflow, the infinity that they make can meet one of the other sign, and nothing is decided.
    const overflows = sum.bounded.bound === Number.POSITIVE_INFINITY;
    const bound = sum.bounded.bound / pixels + boundOf(1, Math.abs(mean));
    out.expect(wordAt(y, g, 0, 0, image, c), mean, overflows || Number.isFinite(mean) ? bound : 0, image, g * 8 + c);
  });
  return {
    inputs: { x: X },
    out,
    args: (address) => ({
      x: address('x'),
      xGroup: x.group * 4,
      groups,
      images,
      pixels,
      y: address('out'),
      yGroup: y.group * 4,
    }),
  };
});

export const poolBackward = family<Pool>('poolBackward', 'all', anyPool, pools, (problem) => {
  const { groups, images, pixels, numbers } = problem;
  const [dx, dy] = poolMaps(problem);
  const dY = filledMap(dy, draw(numbers));
  const out = new Sheet(wordsOf(dx));
  eachNumber(dx, (g, image, row, pixel, c) => {
    const share = dY[wordAt(dy, g, 0, 0, image, c)] / pixels;
    const bound = Number.isFinite(share) ? boundOf(1, Math.abs(share)) : 0;
    out.expect(wordAt(dx, g, image, row, pixel, c), share, bound, image, pixel, g * 8 + c);
  });
  return {
    inputs: { dy: dY },
    out,
    args: (address) => ({
      dy: address('dy'),
      yGroup: dy.group * 4,
      groups,
      images,
      pixels,
      dx: address('out'),
      xGroup: dx.group * 4,
    }),
  };
});

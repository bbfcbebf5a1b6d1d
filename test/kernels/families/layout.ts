/** Rearrangements: every number arrives where it should, unchanged. */
import fc from 'fast-check';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, poisoned, Sheet } from '../problem.js';
import { filled, quadWord, roundUp, shuffled } from './layouts.js';

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly width: 4 | 8 | 16;
  readonly scaled: boolean;
  /** Rows of the whole matrix that this call does not pack. */
  readonly otherRows: number;
  readonly numbers: Numbers;
}

export const packPanels = family<Matrix>(
  'packPanels',
  'all',
  fc.record({
    rows: count(33),
    columns: count(40),
    width: fc.constantFrom<Matrix['width']>(4, 8, 16),
    scaled: fc.boolean(),
    otherRows: fc.nat(3),
    numbers: anyNumbers,
  }),
  {
    'a last panel of one column': { rows: 3, columns: 9, width: 8, scaled: false, otherRows: 0, numbers: ordinary(1) },
    'scaled, with tails': { rows: 2, columns: 7, width: 4, scaled: true, otherRows: 1, numbers: ordinary(2) },
  },
  ({ rows, columns, width, scaled, otherRows, numbers }) => {
    const next = draw(numbers);
    const x = filled(rows * columns, next);
    const scale = Float64Array.from({ length: columns }, () => next() * (1 + 2 ** -30));
    const panelWords = (rows + otherRows) * width;
    const out = new Sheet((roundUp(columns, width) / width) * panelWords);
    for (let column = 0; column < roundUp(columns, width); column++) {
      for (let row = 0; row < rows; row++) {
        const word = Math.trunc(column / width) * panelWords + row * width + (column % width);
        const value = column < columns ? x[row * columns + column] * (scaled ? scale[column] : 1) : 0;
        out.expect(word, Math.fround(value), 0, row, column);
      }
    }
    return {
      inputs: { x, scale },
      out,
      args: (address) => ({
        x: address('x'),
        rows,
        columns,
        width,
        scale: scaled ? address('scale') : 0,
        out: address('out'),
        panelStride: panelWords * 4,
      }),
    };
  },
);

interface Pixels {
  readonly pixels: number;
  readonly channels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const anyPixels = fc.record({ pixels: count(60), channels: count(36), gap: fc.nat(2), numbers: anyNumbers });

const tails: Pixels = { pixels: 49, channels: 33, gap: 1, numbers: { kind: 'special', seed: 5 } };

export const nhwcToQuads = family<Pixels>(
  'nhwcToQuads',
  'all',
  anyPixels,
  { 'tails of pixels and channels': tails },
  ({ pixels, channels, gap, numbers }) => {
    const x = filled(pixels * channels, draw(numbers));
    const stride = (roundUp(channels, 8) + gap) * 4;
    const out = new Sheet((roundUp(pixels, 4) / 4) * stride);
    for (let pixel = 0; pixel < roundUp(pixels, 4); pixel++) {
      for (let c = 0; c < channels; c++) {
        out.expect(quadWord(pixel, c, stride), pixel < pixels ? x[pixel * channels + c] : 0, 0, pixel, c);
      }
    }
    return {
      inputs: { x },
      out,
      args: (address) => ({ x: address('x'), pixels, channels, out: address('out'), quadStride: stride * 4 }),
    };
  },
);

export const quadsToNhwc = family<Pixels>(
  'quadsToNhwc',
  'all',
  anyPixels,
  { 'tails of pixels and channels': tails },
  ({ pixels, channels, gap, numbers }) => {
    const next = draw(numbers);
    const stride = (roundUp(channels, 8) + gap) * 4;
    const x = poisoned((roundUp(pixels, 4) / 4) * stride);
    const out = new Sheet(pixels * channels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let c = 0; c < channels; c++) {
        const value = next();
        x[quadWord(pixel, c, stride)] = value;
        out.expect(pixel * channels + c, value, 0, pixel, c);
      }
    }
    return {
      inputs: { x },
      out,
      args: (address) => ({ x: address('x'), quadStride: stride * 4, pixels, channels, out: address('out') }),
    };
  },
);

export const nhwcToPlanes = family<Pixels>(
  'nhwcToPlanes',
  'all',
  anyPixels,
  { 'tails of channels': tails },
  ({ pixels, channels, gap, numbers }) => {
    const x = filled(pixels * channels, draw(numbers));
    const places = shuffled(pixels + gap, numbers.seed);
    const planes = Math.ceil(channels / 4);
    const planeWords = (places.length + gap) * 4;
    const out = new Sheet(planes * planeWords);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let c = 0; c < planes * 4; c++) {
        const word = (c >> 2) * planeWords + places[pixel] * 4 + (c & 3);
        out.expect(word, c < channels ? x[pixel * channels + c] : 0, 0, pixel, c);
      }
    }
    const offsets = Uint32Array.from({ length: pixels }, (_, pixel) => places[pixel] * 16);
    return {
      inputs: { x, offsets },
      out,
      args: (address) => ({
        x: address('x'),
        pixels,
        channels,
        out: address('out'),
        planeStride: planeWords * 4,
        planes,
        offsets: address('offsets'),
      }),
    };
  },
);

interface Runs {
  readonly length: number;
  readonly count: number;
  readonly fromGap: number;
  readonly toGap: number;
  readonly numbers: Numbers;
}

export const copyRuns = family<Runs>(
  'copyRuns',
  'all',
  fc.record({ length: count(20), count: count(12), fromGap: fc.nat(5), toGap: fc.nat(5), numbers: anyNumbers }),
  { 'runs that touch': { length: 5, count: 3, fromGap: 0, toGap: 0, numbers: ordinary(1) } },
  ({ length, count, fromGap, toGap, numbers }) => {
    const x = filled(count * (length + fromGap), draw(numbers));
    const out = new Sheet(count * (length + toGap));
    for (let run = 0; run < count; run++) {
      for (let i = 0; i < length; i++) {
        out.expect(run * (length + toGap) + i, x[run * (length + fromGap) + i], 0, run, i);
      }
    }
    return {
      inputs: { x },
      out,
      args: (address) => ({
        from: address('x'),
        fromStride: (length + fromGap) * 4,
        to: address('out'),
        toStride: (length + toGap) * 4,
        bytes: length * 4,
        count,
      }),
    };
  },
);

interface Repeats {
  readonly count: number;
  readonly times: number;
  readonly numbers: Numbers;
}

export const repeatChannels = family<Repeats>(
  'repeatChannels',
  'all',
  fc.record({ count: count(100), times: fc.integer({ min: 1, max: 5 }), numbers: anyNumbers }),
  { 'each number three times': { count: 4, times: 3, numbers: ordinary(1) } },
  ({ count, times, numbers }) => {
    const x = filled(count, draw(numbers));
    const out = new Sheet(count * times);
    for (let i = 0; i < out.words; i++) out.expect(i, x[Math.trunc(i / times)], 0, i);
    return { inputs: { x }, out, args: (address) => ({ x: address('x'), count, times, out: address('out') }) };
  },
);

interface Pad {
  readonly height: number;
  /** Numbers in a row, and left and right of it. */
  readonly row: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly value: number;
  readonly numbers: Numbers;
}

export const padPicture = family<Pad>(
  'padPicture',
  'all',
  fc.record({
    height: count(9),
    row: count(30),
    left: fc.nat(6),
    right: fc.nat(6),
    top: fc.nat(3),
    bottom: fc.nat(3),
    value: fc.constantFrom(0, -1, 6, Number.NaN, Number.POSITIVE_INFINITY),
    numbers: anyNumbers,
  }),
  {
    'after only, as stride 2 wants it': {
      height: 2,
      row: 6,
      left: 0,
      right: 3,
      top: 0,
      bottom: 1,
      value: 0,
      numbers: ordinary(1),
    },
  },
  ({ height, row, left, right, top, bottom, value, numbers }) => {
    const x = filled(height * row, draw(numbers));
    const width = left + row + right;
    const out = new Sheet((top + height + bottom) * width);
    for (let word = 0; word < out.words; word++) {
      const [i, j] = [Math.trunc(word / width) - top, (word % width) - left];
      const inside = i >= 0 && i < height && j >= 0 && j < row;
      out.expect(word, inside ? x[i * row + j] : value, 0, i, j);
    }
    return {
      inputs: { x },
      out,
      args: (address) => ({
        x: address('x'),
        height,
        rowBytes: row * 4,
        out: address('out'),
        top,
        bottom,
        left: left * 4,
        right: right * 4,
        value,
      }),
    };
  },
);

interface Margins {
  readonly planes: number;
  readonly rows: number;
  /** Vectors. */
  readonly columns: number;
  readonly left: number;
  readonly right: number;
  readonly gap: number;
}

export const zeroMargins = family<Margins>(
  'zeroMargins',
  'all',
  fc.record({
    planes: count(9),
    rows: count(9),
    columns: count(20),
    left: fc.nat(3),
    right: fc.nat(3),
    gap: fc.nat(2),
  }),
  { 'no margins: the row of zeros alone': { planes: 2, rows: 3, columns: 5, left: 0, right: 0, gap: 1 } },
  ({ planes, rows, columns, left, right, gap }) => {
    const width = left + columns + right;
    const planeWords = ((rows + 1) * width + gap) * 4;
    const out = new Sheet(planes * planeWords);
    for (let plane = 0; plane < planes; plane++) {
      for (let i = 0; i < (rows + 1) * width * 4; i++) {
        const [row, column] = [Math.trunc(i / (width * 4)), (i >> 2) % width];
        const margin = row === rows || column < left || column >= left + columns;
        if (margin) out.expect(plane * planeWords + i, 0, 0, plane, row, column, i & 3);
      }
    }
    return {
      inputs: {},
      out,
      args: (address) => ({
        out: address('out'),
        planeStride: planeWords * 4,
        planes,
        rows,
        rowBytes: width * 16,
        left: left * 16,
        right: right * 16,
      }),
    };
  },
);

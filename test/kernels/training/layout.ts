/** Rearrangements: every number arrives where it should, unchanged, and zeros where rows, columns or channels do not exist. */
import fc from 'fast-check';
import { filled, roundUp } from '../families/layouts.js';
import { anyNumbers, count, draw, type Numbers, ordinary } from '../numbers.js';
import { family, poisoned, Sheet } from '../problem.js';
import { flatLayout, wordAt, wordsOf } from './maps.js';

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly numbers: Numbers;
}

const anyMatrix = fc.record({ rows: count(40), columns: count(40), numbers: anyNumbers });

const tails: Readonly<Record<string, Matrix>> = {
  'tails of rows and columns': { rows: 9, columns: 33, numbers: { kind: 'special', seed: 1 } },
  'whole panels': { rows: 16, columns: 8, numbers: ordinary(2) },
};

/** Word of a number in panels [columns' / 8][rows'][8]. */
const panelWord = (row: number, column: number, rows: number): number =>
  ((column >> 3) * roundUp(rows, 8) + row) * 8 + (column & 7);

/** What panels hold of a matrix of these sizes; `at` is asked for numbers that exist. */
function panelSheet(rows: number, columns: number, at: (row: number, column: number) => number): Sheet {
  const out = new Sheet(roundUp(rows, 8) * roundUp(columns, 8));
  for (let row = 0; row < roundUp(rows, 8); row++) {
    for (let column = 0; column < roundUp(columns, 8); column++) {
      const value = row < rows && column < columns ? at(row, column) : 0;
      out.expect(panelWord(row, column, rows), value, 0, row, column);
    }
  }
  return out;
}

export const packWeights = family<Matrix>('packWeights', 'all', anyMatrix, tails, ({ rows, columns, numbers }) => {
  const matrix = filled(rows * columns, draw(numbers));
  return {
    inputs: { matrix },
    out: panelSheet(rows, columns, (row, column) => matrix[row * columns + column]),
    args: (address) => ({ matrix: address('matrix'), rows, columns, panels: address('out') }),
  };
});

export const packTransposedWeights = family<Matrix>(
  'packTransposedWeights',
  'all',
  anyMatrix,
  tails,
  ({ rows, columns, numbers }) => {
    const matrix = filled(rows * columns, draw(numbers));
    return {
      inputs: { matrix },
      out: panelSheet(columns, rows, (column, row) => matrix[row * columns + column]),
      args: (address) => ({ matrix: address('matrix'), rows, columns, panels: address('out') }),
    };
  },
);

export const unpackWeights = family<Matrix>('unpackWeights', 'all', anyMatrix, tails, ({ rows, columns, numbers }) => {
  const next = draw(numbers);
  const panels = poisoned(roundUp(rows, 8) * roundUp(columns, 8));
  const out = new Sheet(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = next();
      panels[panelWord(row, column, rows)] = value;
      out.expect(row * columns + column, value, 0, row, column);
    }
  }
  return {
    inputs: { panels },
    out,
    args: (address) => ({ panels: address('panels'), rows, columns, matrix: address('out') }),
  };
});

interface Filters {
  readonly groups: number;
  readonly taps: number;
  readonly numbers: Numbers;
}

export const turnFilters = family<Filters>(
  'turnFilters',
  'all',
  fc.record({ groups: count(5), taps: count(25), numbers: anyNumbers }),
  { '3×3': { groups: 2, taps: 9, numbers: ordinary(1) } },
  ({ groups, taps, numbers }) => {
    const filters = filled(groups * taps * 8, draw(numbers));
    const out = new Sheet(filters.length);
    for (let g = 0; g < groups; g++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let c = 0; c < 8; c++) {
          out.expect((g * taps + tap) * 8 + c, filters[(g * taps + taps - 1 - tap) * 8 + c], 0, tap, g * 8 + c);
        }
      }
    }
    return {
      inputs: { filters },
      out,
      args: (address) => ({ filters: address('filters'), groups, taps, turned: address('out') }),
    };
  },
);

interface Pixels {
  readonly pixels: number;
  readonly channels: number;
  readonly gap: number;
  readonly numbers: Numbers;
}

const anyPixels = fc.record({ pixels: count(60), channels: count(40), gap: fc.nat(3), numbers: anyNumbers });

const pixels: Readonly<Record<string, Pixels>> = {
  'a picture of three colours': { pixels: 20, channels: 3, gap: 3, numbers: ordinary(1) },
  '33 channels, special numbers': { pixels: 5, channels: 33, gap: 0, numbers: { kind: 'special', seed: 2 } },
};

export const toGroups = family<Pixels>('toGroups', 'all', anyPixels, pixels, ({ pixels, channels, gap, numbers }) => {
  const picture = filled(pixels * channels, draw(numbers));
  const map = flatLayout(Math.ceil(channels / 8), pixels, gap);
  const out = new Sheet(wordsOf(map));
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < roundUp(channels, 8); c++) {
      const value = c < channels ? picture[pixel * channels + c] : 0;
      out.expect(wordAt(map, c >> 3, 0, 0, pixel, c & 7), value, 0, pixel, c);
    }
  }
  return {
    inputs: { picture },
    out,
    args: (address) => ({
      picture: address('picture'),
      pixels,
      channels,
      groups: address('out'),
      group: map.group * 4,
    }),
  };
});

export const fromGroups = family<Pixels>(
  'fromGroups',
  'all',
  anyPixels,
  pixels,
  ({ pixels, channels, gap, numbers }) => {
    const next = draw(numbers);
    const map = flatLayout(Math.ceil(channels / 8), pixels, gap);
    const groups = poisoned(wordsOf(map));
    const out = new Sheet(pixels * channels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let c = 0; c < channels; c++) {
        const value = next();
        groups[wordAt(map, c >> 3, 0, 0, pixel, c & 7)] = value;
        out.expect(pixel * channels + c, value, 0, pixel, c);
      }
    }
    return {
      inputs: { groups },
      out,
      args: (address) => ({
        groups: address('groups'),
        group: map.group * 4,
        pixels,
        channels,
        picture: address('out'),
      }),
    };
  },
);

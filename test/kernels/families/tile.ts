/** Where the matrix products store (assembly/tile.ts): quads, with or without a residual, or groups of four channels. */
import fc from 'fast-check';
import { anyClamp, draw, type Numbers, UNCLAMPED } from '../numbers.js';
import { type AddressOf, poisoned, Sheet, type Words } from '../problem.js';
import { type Bounded, clamped, plus } from '../sums.js';
import type { NamedOperands } from '../table.js';
import { quadWord, roundUp, shuffled } from './layouts.js';

export interface Tile {
  readonly layout: 'quads' | 'residual' | 'planes' | 'nhwc';
  readonly clamp: readonly [lo: number, hi: number];
  /** After the residual. */
  readonly clamp2: readonly [lo: number, hi: number];
  /** Vectors between one quad or group and the next. */
  readonly gap: number;
}

export const anyTile: fc.Arbitrary<Tile> = fc.record({
  layout: fc.constantFrom<Tile['layout']>('quads', 'residual', 'planes', 'nhwc'),
  clamp: anyClamp,
  clamp2: anyClamp,
  gap: fc.nat(2),
});

export const QUADS: Tile = { layout: 'quads', clamp: UNCLAMPED, clamp2: UNCLAMPED, gap: 0 };

export interface TileOutput {
  readonly out: Sheet;
  readonly inputs: Readonly<Record<string, Words>>;
  /** lo, hi, out, outStride, offsets, residual, lo2, hi2. */
  readonly args: (address: AddressOf) => NamedOperands;
}

/** The output of a product whose sums are known. NHWC is for whole panels of channels only: planes are taken otherwise. */
export function tileOutput(
  tile: Tile,
  pixels: number,
  filters: number,
  numbers: Numbers,
  sum: (pixel: number, filter: number) => Bounded,
): TileOutput {
  const [lo, hi] = tile.clamp;
  const result = (pixel: number, filter: number) => clamped(sum(pixel, filter), lo, hi);
  const made =
    tile.layout === 'quads' || tile.layout === 'residual'
      ? quads(tile, pixels, filters, numbers, result)
      : groups(tile, pixels, filters, numbers, result);
  const bounds = { lo, hi, lo2: tile.clamp2[0], hi2: tile.clamp2[1] };
  return { ...made, args: (address) => ({ ...bounds, ...made.args(address) }) };
}

function quads(
  { layout, clamp2, gap }: Tile,
  pixels: number,
  filters: number,
  numbers: Numbers,
  result: (pixel: number, filter: number) => Bounded,
): TileOutput {
  const channels = roundUp(filters, 8);
  const stride = (channels + gap) * 4;
  const padded = roundUp(pixels, 4);
  const out = new Sheet((padded / 4) * stride);
  const residual = poisoned(out.words);
  const next = draw({ ...numbers, seed: numbers.seed + 1 });
  for (let pixel = 0; pixel < padded; pixel++) {
    for (let filter = 0; filter < channels; filter++) {
      const word = quadWord(pixel, filter, stride);
      if (pixel >= pixels || filter >= filters) {
        out.leaveFree(word);
        continue;
      }
      let { value, bound } = result(pixel, filter);
      if (layout === 'residual') {
        residual[word] = next();
        ({ value, bound } = clamped(plus({ value, bound }, residual[word]), ...clamp2));
      }
      out.expect(word, value, bound, pixel, filter);
    }
  }
  return {
    out,
    inputs: layout === 'residual' ? { residual } : {},
    args: (address) => ({
      out: address('out'),
      outStride: stride * 4,
      offsets: 0,
      residual: layout === 'residual' ? address('residual') : 0,
    }),
  };
}

/** Pixels at random places of a plane, some places unused; the last place is where pixels that do not exist go. */
function groups(
  { layout, gap }: Tile,
  pixels: number,
  filters: number,
  { seed }: Numbers,
  result: (pixel: number, filter: number) => Bounded,
): TileOutput {
  const nhwc = layout === 'nhwc' && filters % 8 === 0;
  const places = nhwc ? Array.from({ length: pixels }, (_, pixel) => pixel) : shuffled(pixels + 3, seed);
  const nowhere = places.length;
  const placeWords = nhwc ? filters : 4;
  const groupWords = nhwc ? 4 : (places.length + 1 + gap) * 4;
  const count = roundUp(filters, 8) / 4;
  const wordOf = (place: number, filter: number) => place * placeWords + (filter >> 2) * groupWords + (filter & 3);

  const out = new Sheet(nhwc ? (places.length + 1) * filters : count * groupWords);
  const offsets = new Uint32Array(roundUp(pixels, 4)).fill(nowhere * placeWords * 4);
  for (let pixel = 0; pixel < pixels; pixel++) offsets[pixel] = places[pixel] * placeWords * 4;
  for (let filter = 0; filter < count * 4; filter++) {
    out.leaveFree(wordOf(nowhere, filter));
    for (let pixel = 0; pixel < pixels; pixel++) {
      const word = wordOf(places[pixel], filter);
      if (filter >= filters) {
        out.leaveFree(word);
        continue;
      }
      const { value, bound } = result(pixel, filter);
      out.expect(word, value, bound, pixel, filter);
    }
  }
  return {
    out,
    inputs: { offsets },
    args: (address) => ({ out: address('out'), outStride: groupWords * 4, offsets: address('offsets'), residual: 0 }),
  };
}

/** Feature maps of the trainer, told a second time: [C' / 8][images][rows][columns][8], from one row, image or group to the next as far as you like. */
import fc from 'fast-check';
import { poisoned } from '../problem.js';
import type { NamedOperands } from '../table.js';

export interface MapShape {
  readonly groups: number;
  readonly images: number;
  readonly rows: number;
  readonly columns: number;
}

/** Pixels of nothing behind every row, image and group. */
export interface Gaps {
  readonly row: number;
  readonly image: number;
  readonly group: number;
}

export const TIGHT: Gaps = { row: 0, image: 0, group: 0 };

export const anyGaps: fc.Arbitrary<Gaps> = fc.oneof(
  fc.constant(TIGHT),
  fc.record({ row: fc.nat(3), image: fc.nat(3), group: fc.nat(4) }),
);

/** The shape, with the words from one row, image and group to the next. */
export interface MapLayout extends MapShape {
  readonly row: number;
  readonly image: number;
  readonly group: number;
}

export function mapLayout(shape: MapShape, gaps: Gaps): MapLayout {
  const row = (shape.columns + gaps.row) * 8;
  const image = shape.rows * row + gaps.image * 8;
  return { ...shape, row, image, group: shape.images * image + gaps.group * 8 };
}

/** Pixels one after the other, `gap` more between groups: rows and images make no difference to whoever reads this. */
export const flatLayout = (groups: number, pixels: number, gap: number): MapLayout =>
  mapLayout({ groups, images: 1, rows: 1, columns: pixels }, { ...TIGHT, group: gap });

export const wordsOf = ({ groups, group }: MapLayout): number => groups * group;

/** Bytes from one group, image and row to the next, as kernels take them. */
/** The operands that say how a map called `name` lies in memory. */
export const distances = (name: string, { group, image, row }: MapLayout): NamedOperands => ({
  [`${name}Group`]: group * 4,
  [`${name}Image`]: image * 4,
  [`${name}Row`]: row * 4,
});

export const wordAt = (map: MapLayout, g: number, n: number, row: number, column: number, c: number): number =>
  g * map.group + n * map.image + row * map.row + column * 8 + c;

/** Every number that exists, channel by channel within a pixel. */
export function eachNumber(
  { groups, images, rows, columns }: MapShape,
  visit: (g: number, n: number, row: number, column: number, c: number) => void,
): void {
  for (let g = 0; g < groups; g++) {
    for (let n = 0; n < images; n++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          for (let c = 0; c < 8; c++) visit(g, n, row, column, c);
        }
      }
    }
  }
}

/** Drawn numbers, and poison in the gaps. */
export function filledMap(map: MapLayout, next: () => number): Float32Array {
  const words = poisoned(wordsOf(map));
  eachNumber(map, (...place) => {
    words[wordAt(map, ...place)] = next();
  });
  return words;
}

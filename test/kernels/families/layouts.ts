/** How operands lie in memory, told a second time: as positions of words, from the drawings at the heads of the files of `assembly/`. */
import { uniformRandom } from '../../../src/random.js';
import { poisoned } from '../problem.js';

export const roundUp = (size: number, multiple: number): number => size + ((multiple - (size % multiple)) % multiple);

/** quads [pixels / 4][C'][4]. */
export const quadWord = (pixel: number, channel: number, strideWords: number): number =>
  (pixel >> 2) * strideWords + channel * 4 + (pixel & 3);

/** panels [columns / width][rows][width]; columns past the last hold poison. */
export function panels(rows: number, columns: number, width: number, at: (row: number, column: number) => number) {
  const words = poisoned(roundUp(columns, width) * rows);
  for (let column = 0; column < columns; column++) {
    const panel = Math.trunc(column / width);
    for (let row = 0; row < rows; row++) words[(panel * rows + row) * width + (column % width)] = at(row, column);
  }
  return words;
}

/** The numbers, then poison up to a multiple of `width`. */
export function padded(numbers: Float32Array, width: number): Float32Array {
  const words = poisoned(roundUp(numbers.length, width));
  words.set(numbers);
  return words;
}

/** 0 … size − 1 in a random order. */
export function shuffled(size: number, seed: number): number[] {
  const uniform = uniformRandom(seed);
  const order = Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

export const filled = (length: number, next: () => number): Float32Array => Float32Array.from({ length }, next);

/** Weights of 8 bits as the kernels read them: int16 without their zero point, in pairs, eight output channels side by side. */
import type { IntegerArray } from '../../tensor.js';

/**
 * The matrix [runs · terms][columns] as panels [⌈columns / 8⌉][runs][pairs][8][2]: two neighbouring terms of a run are a pair; the last pair of a run
 * of odd length is filled up with 0, as are columns that do not exist.
 */
export function packPanels(
  weights: IntegerArray,
  zero: number,
  runs: number,
  terms: number,
  columns: number,
): Int16Array<ArrayBuffer> {
  const pairs = Math.ceil(terms / 2);
  const panels = Math.ceil(columns / 8);
  const packed = new Int16Array(panels * runs * pairs * 16);
  for (let run = 0; run < runs; run++) {
    for (let term = 0; term < terms; term++) {
      const row = (run * terms + term) * columns;
      const to = (run * pairs + (term >> 1)) * 16 + (term & 1);
      for (let column = 0; column < columns; column++) {
        packed[(column >> 3) * runs * pairs * 16 + to + (column & 7) * 2] = weights[row + column] - zero;
      }
    }
  }
  return packed;
}

/**
 * The matrix [inputs][columns] as int8 panels [⌈columns / 16⌉][pairs][16][2], and what is missing from each number: uint8 is stored less 128.
 * An input that does not exist is multiplied by 0, whatever lies there.
 */
export function packDense(
  weights: IntegerArray,
  zero: number,
  inputs: number,
  columns: number,
): { packed: Int8Array<ArrayBuffer>; offset: number } {
  const centre = weights instanceof Uint8Array ? 128 : 0;
  const pairs = Math.ceil(inputs / 2);
  const packed = new Int8Array(Math.ceil(columns / 16) * pairs * 32);
  if (inputs % 2 === 1) packed.fill(zero - centre);
  for (let input = 0; input < inputs; input++) {
    for (let column = 0; column < columns; column++) {
      const to = ((column >> 4) * pairs + (input >> 1)) * 32 + (column & 15) * 2 + (input & 1);
      packed[to] = weights[input * columns + column] - centre;
    }
  }
  return { packed, offset: centre - zero };
}

/** The kernel [KH][KW][C] of a depthwise convolution by planes of eight channels, as assembly/int8/depthwise.ts draws it. */
export function packDepthwise(
  weights: IntegerArray,
  zero: number,
  [height, width]: readonly [number, number],
  channels: number,
  threeColumns: boolean,
): Int16Array<ArrayBuffer> {
  const planes = Math.ceil(channels / 8);
  /** The taps of each pair; −1 is a tap of 0. */
  const pairs: [number, number][] = threeColumns
    ? [[0, 1], [2, -1], [-1, 0], [1, 2]] // biome-ignore format: pairs
    : Array.from({ length: Math.ceil(width / 2) }, (_, j) => [2 * j, 2 * j + 1 < width ? 2 * j + 1 : -1]);
  const packed = new Int16Array(planes * height * pairs.length * 16);
  for (let channel = 0; channel < channels; channel++) {
    const [plane, half, lane] = [channel >> 3, (channel >> 2) & 1, channel & 3];
    for (let row = 0; row < height; row++) {
      pairs.forEach((taps, j) => {
        const place = threeColumns ? half * pairs.length + j : j * 2 + half;
        const to = ((plane * height + row) * pairs.length * 2 + place) * 8 + lane * 2;
        taps.forEach((tap, i) => {
          if (tap >= 0) packed[to + i] = weights[(row * width + tap) * channels + channel] - zero;
        });
      });
    }
  }
  return packed;
}

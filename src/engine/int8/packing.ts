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
  const packed = new Int16Array(Math.ceil(columns / 8) * runs * pairs * 16);
  let from = 0;
  for (let run = 0; run < runs; run++) {
    for (let term = 0; term < terms; term++) {
      let to = (run * pairs + (term >> 1)) * 16 + (term & 1);
      for (let first = 0; first < columns; first += 8) {
        const end = from + Math.min(8, columns - first);
        for (let at = to; from < end; at += 2) packed[at] = weights[from++] - zero;
        to += runs * pairs * 16;
      }
    }
  }
  return packed;
}

/** Weights for the kernel that multiplies bytes, see assembly/int8/pointwise-bytes.ts. */
export interface BytePanels {
  /** [⌈columns / 8⌉][steps][2][8][4] */
  readonly panels: Int8Array<ArrayBuffer>;
  /** Each panel's first further step, and the end of the last panel's. */
  readonly starts: Uint32Array<ArrayBuffer>;
  /** The bytes at which the eight channels of each further step lie in a quad. */
  readonly places: Uint32Array<ArrayBuffer>;
  /** [further steps][2][8][4] */
  readonly further: Int8Array<ArrayBuffer>;
}

/** Bytes of a step: eight inputs of eight outputs. */
const STEP = 64;
/** Sums of four products of bytes up to 255 with weights whose sum is no larger stay below 2¹⁵. */
const MOST = 128;

/**
 * The matrix [inputs][columns] for `pointwiseBytes`. What the weights of a step have beyond its limits goes into further steps of the same eight inputs;
 * `saturating` says that sums of four products must stay below 2¹⁵. Undefined if they would be more than `share` of all.
 */
export function packBytePanels(
  weights: IntegerArray,
  zero: number,
  inputs: number,
  columns: number,
  saturating: boolean,
  share: number,
): BytePanels | undefined {
  const steps = Math.ceil(inputs / 8);
  const count = Math.ceil(columns / 8);
  const panels = new Int8Array(count * steps * STEP);
  const starts = new Uint32Array(count + 1);
  const places: number[] = [];
  const further: Int8Array[] = [];
  const left = new Int16Array(STEP);
  const limit = saturating ? MOST : Number.POSITIVE_INFINITY;
  for (let panel = 0; panel < count; panel++) {
    for (let step = 0; step < steps; step++) {
      left.fill(0);
      const width = Math.min(columns - panel * 8, 8);
      for (let input = step * 8; input < Math.min(step * 8 + 8, inputs); input++) {
        const [quad, lane] = [(input >> 2) & 1, input & 3];
        for (let o = 0; o < width; o++) {
          left[quad * 32 + o * 4 + lane] = weights[input * columns + panel * 8 + o] - zero;
        }
      }
      const at = (panel * steps + step) * STEP;
      let more = takeStep(left, panels.subarray(at, at + STEP), limit);
      while (more) {
        const rest = new Int8Array(STEP);
        more = takeStep(left, rest, limit);
        places.push(step * 32);
        further.push(rest);
      }
    }
    starts[panel + 1] = places.length;
    if (places.length > share * count * steps) return undefined;
  }
  const rest = new Int8Array(further.length * STEP);
  for (const [i, step] of further.entries()) rest.set(step, i * STEP);
  return { panels, starts, places: Uint32Array.from(places), further: rest };
}

/** Moves as much of each weight into `step` as a byte and the limit of a place's sums allow; says whether anything is left. */
function takeStep(left: Int16Array, step: Int8Array, limit: number): boolean {
  let more = false;
  // In one place lie two channels of each of the two quads.
  for (let o = 0; o < 32; o += 2) {
    let [above, below] = [limit, limit];
    for (const i of [o, o + 1, o + 32, o + 33]) {
      const weight = left[i];
      const taken = weight > 0 ? Math.min(weight, above, 127) : -Math.min(-weight, below, 127);
      step[i] = taken;
      left[i] = weight - taken;
      if (taken > 0) above -= taken;
      else below += taken;
      if (left[i] !== 0) more = true;
    }
  }
  return more;
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

/**
 * Panels for the scalar target, [⌈columns / 8⌉][runs][pairs][2][4] i64: two neighbouring columns in one number, low + high · 2³². Written by
 * halves of 32 bits; where the low one is negative, it takes 1 from the high one.
 */
export function widenPanels(panels: Int16Array): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(panels.length);
  for (let pair = 0; pair < panels.length; pair += 16) {
    for (let term = 0; term < 2; term++) {
      for (let column = 0; column < 8; column += 2) {
        const low = panels[pair + column * 2 + term];
        const high = panels[pair + column * 2 + 2 + term];
        wide[pair + term * 8 + column] = low;
        wide[pair + term * 8 + column + 1] = high - (low < 0 ? 1 : 0);
      }
    }
  }
  return wide;
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
  for (let row = 0; row < height; row++) {
    for (const [j, taps] of pairs.entries()) {
      for (const [i, tap] of taps.entries()) {
        if (tap < 0) continue;
        const from = (row * width + tap) * channels;
        for (let channel = 0; channel < channels; channel++) {
          const half = (channel >> 2) & 1;
          const place = threeColumns ? half * pairs.length + j : j * 2 + half;
          const to = (((channel >> 3) * height + row) * pairs.length * 2 + place) * 8 + (channel & 3) * 2;
          packed[to + i] = weights[from + channel] - zero;
        }
      }
    }
  }
  return packed;
}

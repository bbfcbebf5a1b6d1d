/**
 * What requantisation needs of every output channel, in blocks of eight as the kernels read them: assembly/int8/requantize.ts draws a block and says
 * how a result is computed from a sum.
 */
import type { Multiplier, Rounding } from '../../layers/int8/fixed-point.js';
import { roundUp } from '../layouts.js';

/** One output channel of a convolution or dense layer. */
export interface ChannelSums {
  readonly bias: number;
  readonly scale: Multiplier;
  /** No sum with the bias is further from 0. */
  readonly limit: number;
  /** Closer bounds, from the weights' signs. Asked for where the multiplier is unusually small. */
  range(): readonly [lowest: number, highest: number];
}

const BLOCK_BYTES = 256;
const FAST = 0;
const SIGNED = 1;
const WIDE = 2;
const FLOAT32 = 3;

/** 1.5 · 2⁵². */
const MAGIC = 6755399441055744;
const TIE = 2 ** -45;
/** 1.5 · 2²³, and its bits. */
const MAGIC_32 = 12582912;
const MAGIC_32_BITS = 0x4b400000;

/** Results with 31 + s bits behind the point are exact in float64 for s up to this. */
const LARGEST_FAST_SHIFT = 12;

type Bounds = readonly [lo: number, hi: number];

/** For each multiplier there must be so many results that it pays to look for its numbers in float32. */
const RESULTS_FOR_FLOAT32 = 128;

/**
 * `bounds` are the clamp's, without the zero point. `results` is how many the vector kernels compute of each channel: of many, blocks whose channels all
 * allow it are in float32.
 */
export function channelBlocks(
  channels: readonly ChannelSums[],
  bounds: Bounds,
  rounding: Rounding,
  results = 0,
): Uint8Array {
  // Two by two, as the dense kernel reads them.
  const count = roundUp(channels.length, 16) / 8;
  const bytes = new ArrayBuffer(count * BLOCK_BYTES);
  const views = {
    ints: new Int32Array(bytes),
    floats: new Float32Array(bytes),
    longs: new BigInt64Array(bytes),
    doubles: new Float64Array(bytes),
  };
  const signless = rounding === 'single' || bounds[0] >= 0;
  const multipliers = new Set(channels.map(({ scale }) => scale.m)).size;
  const wants = results * channels.length >= RESULTS_FOR_FLOAT32 * multipliers;
  const wayOf = wants ? float32Ways(bounds, rounding) : () => undefined;
  for (let block = 0; block < count; block++) {
    const eight = Array.from({ length: 8 }, (_, i) =>
      constantIfTiny(channels[block * 8 + i] ?? NO_CHANNEL, rounding, signless),
    );
    const ways = eight.map(wayOf);
    if (ways.every((way) => way !== undefined)) {
      writeFloat32(views, block, eight, ways);
      continue;
    }
    const way = eight.every(({ fits }) => fits) ? (signless ? FAST : SIGNED) : WIDE;
    writeBlock(views, block, eight, way, rounding);
  }
  return new Uint8Array(bytes);
}

interface Channel {
  readonly sums: ChannelSums;
  /** Every result, where all possible sums have the same. */
  readonly constant?: number;
  readonly fits: boolean;
}

/** Channels whose weights are nearly 0 have multipliers that float64 does not hold, but mostly one result. */
function constantIfTiny(sums: ChannelSums, rounding: Rounding, signless: boolean): Channel {
  const { scale, range } = sums;
  const s = -scale.shift;
  if (scale.m === 0 || (s >= 0 && s <= LARGEST_FAST_SHIFT)) return { sums, fits: true };
  if (s > 0 && signless) {
    const [lowest, highest] = range().map((sum) => requantized(sum, scale, rounding));
    if (lowest === highest) return { sums, constant: Number(lowest), fits: true };
  }
  return { sums, fits: false };
}

interface Views {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  readonly longs: BigInt64Array;
  readonly doubles: Float64Array;
}

function writeBlock(
  { ints, longs, doubles }: Views,
  block: number,
  channels: readonly Channel[],
  way: number,
  rounding: Rounding,
): void {
  const [int, long] = [(block * BLOCK_BYTES) / 4, (block * BLOCK_BYTES) / 8];
  for (let i = 0; i < 8; i++) {
    const { sums: { bias, scale }, constant } = channels[i]; // biome-ignore format: one line
    const s = -scale.shift;
    const twice = rounding === 'double' && s > 0;
    ints[int + i] = bias;
    if (way === WIDE) {
      longs[long + 4 + i] = BigInt(scale.m);
      longs[long + 12 + i] = halfOf(s);
      ints[int + 40 + i] = twice ? 2 ** 30 : 0;
      ints[int + 48 + i] = 31 + s;
    } else {
      const e = constant ?? (twice ? 2 ** -(s + 1) : 0);
      doubles[long + 4 + i] = constant === undefined ? scale.m / 2 ** (31 + s) : 0;
      doubles[long + 12 + i] = way === FAST ? e + TIE : e;
    }
  }
  ints[int + 56] = way;
  doubles[long + 30] = MAGIC;
  doubles[long + 31] = MAGIC;
}

const NO_CHANNEL: ChannelSums = { bias: 0, scale: { m: 0, shift: 0 }, limit: 0, range: () => [0, 0] };

/** A channel's numbers in float32, as assembly/int8/requantize.ts names them. */
interface Float32Way {
  /** M' */
  readonly factor: number;
  /** b */
  readonly term: number;
  /** x0 and r0 */
  readonly origin: number;
  readonly middle: number;
}

const CONSTANT: Float32Way = { factor: 0, term: 0, origin: 0, middle: 0 };

function writeFloat32(
  { ints, floats }: Views,
  block: number,
  channels: readonly Channel[],
  ways: readonly Float32Way[],
): void {
  const at = (block * BLOCK_BYTES) / 4;
  for (const [i, { factor, term, origin, middle }] of ways.entries()) {
    ints[at + i] = channels[i].sums.bias - origin;
    floats[at + 8 + i] = factor;
    floats[at + 16 + i] = term;
    ints[at + 24 + i] = MAGIC_32_BITS - middle;
  }
  ints[at + 56] = FLOAT32;
  floats[at + 57] = MAGIC_32;
}

/** Finds each channel's numbers in float32, or that there are none. The channels of a layer have one multiplier, or each its own. */
function float32Ways(bounds: Bounds, rounding: Rounding): (channel: Channel) => Float32Way | undefined {
  let last: Multiplier | undefined;
  let way: Float32Way | undefined;
  return ({ sums: { scale, limit }, constant, fits }) => {
    if (!fits) return undefined;
    if (scale.m === 0 || constant !== undefined) return { ...CONSTANT, middle: constant ?? 0 };
    if (scale.m !== last?.m || scale.shift !== last.shift) way = float32Way(scale, bounds, rounding);
    last = scale;
    // Further from 0, results would lose their order when 1.5 · 2²³ is added.
    return limit * (scale.m / 2 ** (31 - scale.shift)) < 2 ** 22 - 2 ** 9 ? way : undefined;
  };
}

/** Halves between two results, and the first sums beyond them. */
const halves = new Float64Array(256);
const firsts = new Float64Array(256);

/**
 * For each result above the lowest there is a first sum that gives it. b has to lift that sum's product to the half before
 * the result, and the product of the sum before it no further.
 */
export function float32Way({ m, shift }: Multiplier, [lo, hi]: Bounds, rounding: Rounding): Float32Way | undefined {
  const multiplier = m / 2 ** (31 - shift);
  const e = rounding === 'double' && shift < 0 ? 2 ** (shift - 1) : 0;
  const middle = Math.round((lo + hi) / 2);
  const origin = Math.round(middle / multiplier);
  const count = Math.max(hi - lo, 0);
  for (let i = 0; i < count; i++) {
    const half = lo + i + 0.5;
    halves[i] = half - middle;
    // Exact: a quotient that is no integer is further from one than 1 / m, and all are below 2²¹.
    firsts[i] = Math.ceil((half - (half > 0 ? e : -e)) / multiplier) - origin;
  }
  for (const step of [0, 1, -1]) {
    const factor = Math.fround(multiplier * (1 + step / 2 ** 23));
    const term = termFor(factor, count);
    if (term !== undefined) return { factor, term, origin, middle };
  }
  return undefined;
}

/** Half of a unit in the last place of sums below 256, of b and of b's product. */
const ROUNDING_32 = 2 ** -17 + 2 ** -24;

function termFor(factor: number, count: number): number | undefined {
  let least = -2;
  let most = 2;
  for (let i = 0; i < count; i++) {
    const above = halves[i] - Math.fround(firsts[i] * factor);
    const below = halves[i] - Math.fround((firsts[i] - 1) * factor);
    if (above > least) least = above;
    if (below < most) most = below;
    if (least >= most) return undefined;
  }
  const term = Math.fround((least + most) / 2);
  return most - least > 2 * ROUNDING_32 || separates(factor, term, count) ? term : undefined;
}

/** b is rounded, and so is what it is added to. */
function separates(factor: number, term: number, count: number): boolean {
  for (let i = 0; i < count; i++) {
    if (Math.fround(Math.fround(firsts[i] * factor) + term) <= halves[i]) return false;
    if (Math.fround(Math.fround((firsts[i] - 1) * factor) + term) >= halves[i]) return false;
  }
  return true;
}

/** ½ of a result, 31 + s bits before the point. */
export const halfOf = (s: number): bigint => (s > -31 ? 1n << BigInt(30 + s) : 0n);

/** ⌊sum · multiplier + ½ + e⌋, exactly. */
export function requantized(sum: number, { m, shift }: Multiplier, rounding: Rounding): bigint {
  const s = -shift;
  const e = rounding === 'double' && s > 0 ? (sum < 0 ? -(2n ** 30n) : 2n ** 30n) : 0n;
  return (BigInt(sum) * BigInt(m) + halfOf(s) + e) >> BigInt(31 + s);
}

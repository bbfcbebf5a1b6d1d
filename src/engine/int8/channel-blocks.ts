/**
 * What requantisation needs of every output channel, in blocks of eight as the kernels read them: assembly/int8/requantize.ts draws a block and says
 * how a result is computed from a sum.
 */
import type { Multiplier, Rounding } from '../../layers/int8/fixed-point.js';
import { roundUp } from '../layouts.js';
import { type Bounds, type Float32Way, float32Ways } from './float32-ways.js';

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

/** For each multiplier there must be so many results that looking for its numbers in float32 pays within some 50 pictures. */
const RESULTS_FOR_FLOAT32 = 2048;

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
  const find = float32Ways(bounds, rounding);
  for (let block = 0; block < count; block++) {
    const eight = Array.from({ length: 8 }, (_, i) =>
      constantIfTiny(channels[block * 8 + i] ?? NO_CHANNEL, rounding, signless),
    );
    const ways = eight.map((channel) => (wants ? wayInFloat32(channel, find) : undefined));
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

const CONSTANT: Float32Way = { factor: 0, term: 0, origin: 0, middle: 0 };

function wayInFloat32(
  { sums: { scale, limit }, constant, fits }: Channel,
  find: ReturnType<typeof float32Ways>,
): Float32Way | undefined {
  if (!fits) return undefined;
  if (scale.m === 0 || constant !== undefined) return { ...CONSTANT, middle: constant ?? 0 };
  return find(scale, limit);
}

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

/** ½ of a result, 31 + s bits before the point. */
export const halfOf = (s: number): bigint => (s > -31 ? 1n << BigInt(30 + s) : 0n);

/** ⌊sum · multiplier + ½ + e⌋, exactly. */
export function requantized(sum: number, { m, shift }: Multiplier, rounding: Rounding): bigint {
  const s = -shift;
  const e = rounding === 'double' && s > 0 ? (sum < 0 ? -(2n ** 30n) : 2n ** 30n) : 0n;
  return (BigInt(sum) * BigInt(m) + halfOf(s) + e) >> BigInt(31 + s);
}

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
  /** Bounds of its sums with the bias, from the weights' signs. Asked for where the multiplier is unusually small. */
  range(): readonly [lowest: number, highest: number];
}

const BLOCK_BYTES = 256;
const FAST = 0;
const SIGNED = 1;
const WIDE = 2;

/** 1.5 · 2⁵². */
const MAGIC = 6755399441055744;
const TIE = 2 ** -45;

/** Results with 31 + s bits behind the point are exact in float64 for s up to this. */
const LARGEST_FAST_SHIFT = 12;

/** `lo` is the clamp's lower bound, without the zero point. */
export function channelBlocks(channels: readonly ChannelSums[], lo: number, rounding: Rounding): Uint8Array {
  // Two by two, as the dense kernel reads them.
  const count = roundUp(channels.length, 16) / 8;
  const bytes = new ArrayBuffer(count * BLOCK_BYTES);
  const views = { ints: new Int32Array(bytes), longs: new BigInt64Array(bytes), doubles: new Float64Array(bytes) };
  const signless = rounding === 'single' || lo >= 0;
  for (let block = 0; block < count; block++) {
    const eight = channels
      .slice(block * 8, block * 8 + 8)
      .map((channel) => constantIfTiny(channel, rounding, signless));
    const way = eight.every(({ fits }) => fits) ? (signless ? FAST : SIGNED) : WIDE;
    writeBlock(views, block, eight, way, rounding);
  }
  return new Uint8Array(bytes);
}

interface Channel {
  readonly bias: number;
  readonly scale: Multiplier;
  /** Every result, where all possible sums have the same. */
  readonly constant?: number;
  readonly fits: boolean;
}

/** Channels whose weights are nearly 0 have multipliers that float64 does not hold, but mostly one result. */
function constantIfTiny({ bias, scale, range }: ChannelSums, rounding: Rounding, signless: boolean): Channel {
  const s = -scale.shift;
  if (scale.m === 0 || (s >= 0 && s <= LARGEST_FAST_SHIFT)) return { bias, scale, fits: true };
  if (s > 0 && signless) {
    const [lowest, highest] = range().map((sum) => requantized(sum, scale, rounding));
    if (lowest === highest) return { bias, scale, constant: Number(lowest), fits: true };
  }
  return { bias, scale, fits: false };
}

interface Views {
  readonly ints: Int32Array;
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
    const { bias, scale, constant } = channels[i] ?? NO_CHANNEL;
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

const NO_CHANNEL: Channel = { bias: 0, scale: { m: 0, shift: 0 }, fits: true };

/** ½ of a result, 31 + s bits before the point. */
export const halfOf = (s: number): bigint => (s > -31 ? 1n << BigInt(30 + s) : 0n);

/** ⌊sum · multiplier + ½ + e⌋, exactly. */
export function requantized(sum: number, { m, shift }: Multiplier, rounding: Rounding): bigint {
  const s = -shift;
  const e = rounding === 'double' && s > 0 ? (sum < 0 ? -(2n ** 30n) : 2n ** 30n) : 0n;
  return (BigInt(sum) * BigInt(m) + halfOf(s) + e) >> BigInt(31 + s);
}

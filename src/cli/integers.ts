/** `--as-real-numbers` and `--rounding`: how a quantised model is computed. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readerOf } from '../formats/read.js';
import { type Rounding, roundings } from '../layers/int8/fixed-point.js';
import type { Network } from '../network/index.js';
import { isQuantizedNetwork, type QuantizedNetwork } from '../network/quantized-network.js';
import type { Pair } from '../padding.js';

export interface IntegerFlags {
  /** Only commands that compute with integers have the flag. */
  readonly rounding?: Rounding;
  readonly asRealNumbers?: true;
}

export function addIntegerOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--rounding <rule>',
        'of a quantised model: single, as the optimised kernels of TensorFlow Lite round (LiteRT.js), or double, as its reference kernels and tflite-micro',
      )
        .choices(roundings)
        .default('single'),
    )
    .option('--as-real-numbers', 'compute a quantised model with the real numbers that its integers stand for');
}

/** The quantised network of each network that was read from a file of integers. */
const quantized = new WeakMap<Network, QuantizedNetwork>();

/** The integers of the file that the network was read from; undefined where it holds real numbers, or they are asked for. */
export const integersOf = (network: Network): QuantizedNetwork | undefined => quantized.get(network);

/** The network, which was made of one that was read, computed with the same integers. */
export function withIntegersOf(read: Network, network: Network): Network {
  const found = quantized.get(read);
  if (found !== undefined) quantized.set(network, found);
  return network;
}

/** Remembers the integers of a file beside its network, where the command computes with them. */
export async function rememberIntegers(
  network: Network,
  bytes: Uint8Array,
  fileName: string,
  { rounding, asRealNumbers }: IntegerFlags,
): Promise<void> {
  if (rounding === undefined || asRealNumbers) return;
  const reader = await readerOf(bytes, fileName);
  const found = await reader.readTyped?.(bytes, { fileName });
  if (found !== undefined && isQuantizedNetwork(found)) quantized.set(network, found);
}

/** A quantised network is computed at the size that its file says. */
export function expectOwnSize(network: Network, resolution: Pair | undefined): void {
  const [, height, width] = quantized.get(network)?.inputs[0].shape ?? [];
  if (resolution === undefined || height === undefined || (height === resolution[0] && width === resolution[1])) return;
  throw new UsageError(
    `--resolution ${resolution.join('x')}: ${network.name} computes with integers at ${height}x${width}; --as-real-numbers allows other sizes`,
  );
}

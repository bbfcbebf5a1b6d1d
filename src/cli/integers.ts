/** `--as-real-numbers` and `--rounding`: how a quantised model is computed. */
import { type Command, Option } from 'commander';
import { NetworkError } from '../errors.js';
import { type Rounding, roundings } from '../layers/int8/fixed-point.js';
import type { Network, QuantizedNetwork } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import { expectComputable } from '../network/run-quantized.js';
import { note } from './output.js';

export interface IntegerFlags {
  /** Only commands that compute with integers have the flag. */
  readonly rounding?: Rounding;
  readonly asRealNumbers?: true;
}

export const roundingOption = (): Option =>
  new Option(
    '--rounding <rule>',
    'of a quantised model: single, as the optimised kernels of TensorFlow Lite round (LiteRT.js), or double, as its reference kernels and tflite-micro',
  )
    .choices(roundings)
    .default('single');

export function addIntegerOptions(command: Command): Command {
  return command
    .addOption(roundingOption())
    .addOption(
      new Option(
        '--as-real-numbers',
        'compute a quantised model with the real numbers that its integers stand for',
      ).conflicts('rounding'),
    );
}

/** The integers that the network is to be computed with; undefined where its file holds real numbers, or they are asked for. */
export function integersFor(network: Network, { rounding, asRealNumbers }: IntegerFlags): QuantizedNetwork | undefined {
  const found = rounding === undefined || asRealNumbers ? undefined : integersOf(network);
  if (found === undefined) return undefined;
  try {
    expectComputable(found);
    return found;
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    note(`computed with real numbers, since no kernel of TensorFlow Lite computes the integers: ${error.message}`);
    return undefined;
  }
}

/** The networks that a name and flags describe. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import {
  type MobilenetV1Options,
  type MobilenetV2Options,
  type ModelConventions,
  mobilenet,
  type OutputStride,
} from '../models/index.js';
import { parseModelName } from '../models/names.js';
import { modelConventions, outputStrides } from '../models/options.js';
import type { Network } from '../network/index.js';
import type { Pair } from '../padding.js';
import { didYouMean } from './nearest.js';
import { given, optionWord, positiveNumber, resolution, wholeNumber } from './values.js';

export interface ArchitectureFlags {
  readonly alpha?: number;
  readonly resolution?: Pair;
  readonly expansion?: number;
  readonly classes?: number;
  readonly conventions?: ModelConventions;
  readonly outputStride?: `${OutputStride}`;
  readonly smallPictures?: true;
  readonly grey?: true;
  readonly shallow?: true;
  readonly fullConvolutions?: true;
}

export const architectureFlags = [
  ...(['alpha', 'resolution', 'smallPictures', 'expansion', 'classes', 'conventions', 'outputStride'] as const),
  ...(['shallow', 'fullConvolutions', 'grey'] as const),
];

export function addArchitectureOptions(command: Command): Command {
  return command
    .option('--alpha <number>', 'width multiplier α; 1 unless given', positiveNumber)
    .option(
      '--resolution <pixels>',
      'of the input: a side, or height x width; 224 unless given, or 32 for small pictures',
      resolution,
    )
    .option('--shallow', 'V1 without its five 14 x 14 x 512 layers (its Table 5)')
    .option('--full-convolutions', 'V1 of standard convolutions (its Table 4)')
    .option('--small-pictures', 'first two strides 1: for pictures of about 32 x 32')
    .option('--grey', 'one channel in place of red, green and blue: for grey pictures')
    .option('--expansion <factor>', 'expansion factor t of V2; 6 unless given', positiveNumber)
    .option('--classes <count>', 'outputs of the classifier; 1000, or 1001 for slim', wholeNumber(1))
    .addOption(
      new Option('--conventions <of>', 'whose padding, epsilon, rounding and names; keras unless given').choices(
        modelConventions,
      ),
    )
    .addOption(
      new Option(
        '--output-stride <stride>',
        'input size over map size, by atrous convolution; 32 unless given',
      ).choices(outputStrides.map(String)),
    );
}

/** For suggestions; a width and a resolution may follow. */
export const networkNames = ['mobilenet_v1', 'mobilenet_v2'] as const;

/** The network that a published name describes, with what the flags say in place of what the name says. */
export function namedNetwork(name: string, flags: ArchitectureFlags): Network {
  const said = parseModelName(name);
  if (said === undefined) {
    throw new UsageError(
      `there is no network '${name}'; wanted mobilenet_v1, mobilenet_v2, or a name such as mobilenet_v1_0.75_192${didYouMean(name, networkNames)}`,
    );
  }
  const { architecture, ...options } = said;
  expectResolution(name, flags, flags.smallPictures ?? options.smallPictures ?? false);
  expectOnlyFor('mobilenet_v1', architecture, {
    '--shallow': flags.shallow,
    '--full-convolutions': flags.fullConvolutions,
  });
  expectOnlyFor('mobilenet_v2', architecture, { '--expansion': flags.expansion });
  const network = mobilenet(architecture, { ...options, ...optionsOf(flags) });
  return flags.grey ? ofGreyPictures(network) : network;
}

/** Whose input has one channel. It has no weights yet. */
function ofGreyPictures(network: Network): Network {
  const [{ name, shape }] = network.inputs;
  const { preprocessing, ...conventions } = network.conventions;
  const [mean, deviation] = [[preprocessing!.mean[0]], [preprocessing!.deviation[0]]];
  return {
    ...network,
    inputs: [{ name, shape: [...shape.slice(0, -1), 1] }],
    conventions: { ...conventions, preprocessing: { ...preprocessing!, channels: 'grey', mean, deviation } },
  };
}

function expectResolution(name: string, { resolution }: ArchitectureFlags, smallPictures: boolean): void {
  const least = smallPictures ? 8 : 32;
  if (resolution === undefined || Math.min(...resolution) >= least) return;
  throw new UsageError(
    `--resolution: ${name} wants pictures of ${least} x ${least} or more, found ${resolution.join(' x ')}`,
  );
}

function optionsOf(flags: ArchitectureFlags): MobilenetV1Options & MobilenetV2Options {
  const { expansion, outputStride, fullConvolutions } = flags;
  return {
    ...given(flags, ['alpha', 'resolution', 'classes', 'conventions', 'smallPictures', 'shallow']),
    ...(expansion !== undefined && { expansionFactor: expansion }),
    ...(outputStride !== undefined && { outputStride: Number(outputStride) as OutputStride }),
    ...(fullConvolutions && { convolutions: 'full' }),
  };
}

function expectOnlyFor(wanted: string, found: string, flags: Readonly<Record<string, unknown>>): void {
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined && found !== wanted) throw new UsageError(`${flag} is for ${wanted}, found ${found}`);
  }
}

/** The flags of those that describe a network which were given. */
export const givenFlags = (flags: ArchitectureFlags): string[] =>
  architectureFlags.filter((name) => flags[name] !== undefined).map(optionWord);

/** What a network is fed: a picture, a saved tensor, or seeded noise. */
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { readTensors } from '../formats/index.js';
import type { DecodeOptions as PictureLimits } from '../image/index.js';
import type { Network } from '../network/index.js';
import type { GoldenSource } from '../oracle/index.js';
import { type NoiseKind, noise, noiseKinds } from '../oracle/noise.js';
import { inputTensor } from '../tasks/execute.js';
import type { Tensor } from '../tensor.js';
import { expectPreprocessing } from './model.js';
import { openPicture } from './pictures.js';
import { readFileOrInput } from './standard-input.js';
import { seedNumber } from './values.js';

export interface InputFlags extends PictureLimits {
  readonly picture?: string;
  readonly input?: string;
  readonly noise?: NoiseKind;
  readonly seed: number;
}

/** Without `--picture`, which some commands have as an argument. `seed` says what the seed is of. */
export function addInputOptions(command: Command, seed = 'of the noise'): Command {
  return command
    .option(
      '--input <file>',
      "feed it a tensor: .npy, or .npz and .safetensors with its inputs by name; '-' is standard input",
    )
    .addOption(
      new Option('--noise <kind>', 'feed it seeded noise; normal unless another input is given').choices(noiseKinds),
    )
    .option('--seed <number>', seed, seedNumber, 1);
}

export interface Fed {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly source: GoldenSource;
}

/** Before the model is read. */
export function expectOneInput({ picture, input, noise: kind }: InputFlags): void {
  if ([picture, input, kind].filter((given) => given !== undefined).length > 1) {
    throw new UsageError('wanted one of a picture, --input and --noise, found more');
  }
}

/** The input that the flags choose for the network. `model` is its file, for errors. */
export async function fed(network: Network, model: string, flags: InputFlags): Promise<Fed> {
  const { picture, input, noise: kind = 'normal', seed } = flags;
  if (picture !== undefined) {
    expectPreprocessing(network, model);
    const inputs = new Map([[network.inputs[0].name, inputTensor(network, await openPicture(picture, flags))]]);
    return { inputs, source: { kind: 'picture', detail: picture } };
  }
  if (input !== undefined) {
    return { inputs: await savedInputs(network, input), source: { kind: 'tensor', detail: input } };
  }
  const inputs = network.inputs.map(({ name, shape }, i) => [name, noise(kind, shape, seed + i)] as const);
  return { inputs: new Map(inputs), source: noiseSource(kind, seed) };
}

export const noiseSource = (kind: NoiseKind, seed: number): GoldenSource => ({ kind: 'noise', detail: kind, seed });

/** A file's only tensor for a network of one input; otherwise each by name. */
async function savedInputs(network: Network, file: string): Promise<Map<string, Tensor>> {
  const { name, bytes } = await readFileOrInput(file, 'the input');
  const tensors = await readTensors(bytes, name);
  if (network.inputs.length === 1 && tensors.size === 1)
    return new Map([[network.inputs[0].name, [...tensors.values()][0]]]);
  return new Map(
    network.inputs.map(({ name }) => {
      const found = tensors.get(name) ?? tensors.get(`inputs/${name}`);
      if (found === undefined) {
        throw new UsageError(
          `${file}: the input '${name}' is missing; found ${[...tensors.keys()].slice(0, 5).join(', ')}`,
        );
      }
      return [name, found];
    }),
  );
}

/** What a caller says about a file of weights that does not say which network they belong to. */
import { DepthwiseError, ShapeError, UsageError } from '../errors.js';
import type { Network } from '../network/index.js';
import { sameIntegers } from '../network/integers-of.js';
import { atResolution } from '../network/rewriting/at-resolution.js';
import { endingAt } from '../network/rewriting/subnetwork.js';
import type { Pair } from '../padding.js';

export interface ReadOptions {
  /** Names the file in errors, and the network where it is one of the published names, such as mobilenet_2_5_224_tf.h5. */
  readonly fileName?: string;
  /**
   * The network that the weights belong to, e.g. `mobilenetV1({ alpha: 0.25 })`: for files that hold weights alone. It also takes the
   * place of the description in a .h5, .safetensors or .npz file that has one; for other formats it is an error.
   */
  readonly architecture?: Network;
  /** [height, width] of the input: for a file that leaves them open, or in place of its own. An error where its layers fix the size. */
  readonly resolution?: Pair;
  /** Where the network ends, in place of the file's own outputs: names of its layers or, for .onnx, .tflite and graph models, of any tensor of the file. */
  readonly outputs?: readonly string[];
}

/** For files that always say which network their weights belong to. */
export function expectNoArchitecture({ architecture }: ReadOptions, file: string): void {
  if (architecture === undefined) return;
  throw new UsageError(`${file}: describes its own network; an architecture is for files of weights alone`);
}

/**
 * The network as the caller asks for it: ending at `outputs` and at the stated resolution, unless its reader has seen to both. Throws a
 * UsageError for outputs that it does not have, and a ShapeError where its layers take no other size than the file's.
 */
export function asStated(network: Network, options: ReadOptions, file: string): Network {
  return atStatedResolution(withStatedOutputs(network, options, file), options, file);
}

function withStatedOutputs(network: Network, { outputs }: ReadOptions, file: string): Network {
  if (outputs === undefined) return network;
  if (outputs.length === 0) throw new UsageError(`${file}: outputs: wanted one or more names, found none`);
  try {
    return sameIntegers(network, endingAt(network, outputs));
  } catch (error) {
    if (!(error instanceof DepthwiseError)) throw error;
    throw new UsageError(`${file}: outputs: ${error.message}`, { cause: error });
  }
}

function atStatedResolution(network: Network, { resolution }: ReadOptions, file: string): Network {
  if (resolution === undefined) return network;
  const isThere = network.inputs.every(({ shape }) => shape[1] === resolution[0] && shape[2] === resolution[1]);
  if (isThere) return network;
  try {
    return atResolution(network, resolution);
  } catch (error) {
    if (!(error instanceof DepthwiseError)) throw error;
    const [{ shape }] = network.inputs;
    throw new ShapeError(
      `${file}: takes inputs of [${shape.join(', ')}], and no pictures of ${resolution.join(' x ')}: ${error.message}`,
    );
  }
}

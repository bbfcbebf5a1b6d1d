/** Networks by their published names: slim's checkpoints, the Keras weight files, Keras' own model names. */
import type { Network } from '../network/index.js';
import { type MobilenetV1Options, mobilenetV1 } from './mobilenet-v1.js';
import { type MobilenetV2Options, mobilenetV2 } from './mobilenet-v2.js';
import type { ModelConventions } from './options.js';

export type Architecture = 'mobilenet_v1' | 'mobilenet_v2';

/** What a name says; a field that it does not say is absent. */
export interface StandardName {
  readonly architecture: Architecture;
  readonly alpha?: number;
  readonly resolution?: number;
  readonly smallPictures?: true;
  readonly conventions?: ModelConventions;
  readonly head?: 'classifier' | 'features';
}

/** V1 files of Keras write α 1.0, .75, .5, .25 as these. */
const KERAS_V1_ALPHA: Readonly<Record<string, number>> = { '1_0': 1, '7_5': 0.75, '5_0': 0.5, '2_5': 0.25 };

const patterns: readonly {
  readonly pattern: RegExp;
  readonly read: (groups: Record<string, string>) => StandardName;
}[] = [
  {
    // keras-applications' V1 files: mobilenet_7_5_192_tf.h5, mobilenet_1_0_224_tf_no_top.h5
    pattern: /^mobilenet_(?<alpha>1_0|7_5|5_0|2_5)_(?<resolution>\d+)_tf(?<top>_no_top)?$/,
    read: (found) => ({ ...read('mobilenet_v1', found), alpha: KERAS_V1_ALPHA[found.alpha], ...kerasHead(found) }),
  },
  {
    // and its V2 files: mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5
    pattern:
      /^mobilenet_v2_weights_tf_dim_ordering_tf_kernels_(?<alpha>\d+(\.\d+)?)_(?<resolution>\d+)(?<top>_no_top)?$/,
    read: (found) => ({ ...read('mobilenet_v2', found), ...kerasHead(found) }),
  },
  {
    // the names that Keras gives its models: mobilenet_0.25_224, mobilenetv2_1.00_224
    pattern: /^mobilenet(?<version>v2)?_(?<alpha>\d+\.\d+)_(?<resolution>\d+)$/,
    read: (found) => ({ ...read(found.version ? 'mobilenet_v2' : 'mobilenet_v1', found), conventions: 'keras' }),
  },
  {
    // slim's checkpoints: mobilenet_v1_0.5_160, mobilenet_v2_1.4_224_quant; ours for small pictures; mobilenet_v2 alone, which says neither
    pattern:
      /^mobilenet[_-]?v(?<version>[12])([_-](?<alpha>\d(\.\d+)?)[_-](?<resolution>\d+)(?<small>_small)?)?([_-](quant|frozen|float))*$/,
    read: (found) => read(found.version === '1' ? 'mobilenet_v1' : 'mobilenet_v2', found),
  },
];

function read(architecture: Architecture, found: Record<string, string | undefined>): StandardName {
  const { alpha, resolution, small } = found;
  return {
    architecture,
    ...(alpha !== undefined && { alpha: Number(alpha) }),
    ...(resolution !== undefined && { resolution: Number(resolution) }),
    ...(small !== undefined && { smallPictures: true }),
  };
}

function kerasHead({ top }: Record<string, string>): Pick<StandardName, 'conventions' | 'head'> {
  return { conventions: 'keras', head: top === undefined ? 'classifier' : 'features' };
}

/**
 * What a model's or weights file's name says, or undefined for a name that is none of the published ones. A path's folders and the
 * extension are left away; an .h5 file follows Keras' conventions.
 */
export function parseModelName(nameOrPath: string): StandardName | undefined {
  const file = nameOrPath.toLowerCase().split(/[\\/]/).at(-1)!;
  const [extension = ''] = /\.(h5|hdf5|tflite|safetensors|npz|json|keras)$/.exec(file) ?? [];
  const stem = file.slice(0, file.length - extension.length);
  for (const { pattern, read } of patterns) {
    const groups = pattern.exec(stem)?.groups;
    if (groups === undefined) continue;
    const keras = ['.h5', '.hdf5', '.keras'].includes(extension);
    return { ...read(groups), ...(keras && { conventions: 'keras' as const }) };
  }
  return undefined;
}

/** The network of this architecture. */
export function mobilenet(architecture: Architecture, options: MobilenetV1Options & MobilenetV2Options = {}): Network {
  return architecture === 'mobilenet_v1' ? mobilenetV1(options) : mobilenetV2(options);
}

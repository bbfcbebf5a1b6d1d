/**
 * What the libraries call the layers, so that weights and traces meet by name: slim's scopes (below `MobilenetV1/` and `MobilenetV2/`),
 * Keras' layer names, torchvision's state-dict keys. Numbers count blocks; V1's block 0 and V2's `stem` are the first convolution.
 *
 * torchvision has no V1. Its names here follow its V2: `features.N` for block N, `.0` depthwise and `.1` pointwise within it.
 */
import type { ModelConventions } from './options.js';

/** A convolution and what follows it; without `relu6` it is linear. */
export interface UnitNames {
  readonly layer: string;
  readonly norm: string;
  readonly relu6?: string;
  /** Of the padding that Keras V1 puts before a depthwise convolution of stride 2. */
  readonly pad?: string;
}

export interface HeadNames {
  readonly pool: string;
  /** Absent where the library has none. */
  readonly dropout?: string;
  readonly classifier: string;
  /** Present where the classifier is a 1 × 1 convolution, whose output [1, 1, classes] is then reshaped to [classes]. */
  readonly squeeze?: string;
  readonly softmax: string;
}

export interface V1Names {
  readonly convolution: (block: number) => UnitNames;
  readonly depthwise: (block: number) => UnitNames;
  readonly pointwise: (block: number) => UnitNames;
  readonly head: HeadNames;
}

export interface V2Names {
  readonly stem: UnitNames;
  readonly expand: (block: number) => UnitNames;
  readonly depthwise: (block: number) => UnitNames;
  readonly project: (block: number) => UnitNames;
  readonly add: (block: number) => string;
  readonly last: UnitNames;
  readonly head: HeadNames;
}

const slim = (layer: string) => ({ layer, norm: `${layer}/BatchNorm`, relu6: `${layer}/Relu6` });
const kerasV1 = (layer: string) => ({ layer, norm: `${layer}_bn`, relu6: `${layer}_relu` });
const kerasV2 = (layer: string) => ({ layer, norm: `${layer}_BN`, relu6: `${layer}_relu` });
const torch = (module: string) => ({ layer: `${module}.0`, norm: `${module}.1`, relu6: `${module}.2` });
const linear = ({ layer, norm }: UnitNames): UnitNames => ({ layer, norm });

const slimBlock = (block: number) => (block === 0 ? 'expanded_conv' : `expanded_conv_${block}`);
const kerasBlock = (block: number) => (block === 0 ? 'expanded_conv' : `block_${block}`);
/** V2's first block has no expansion, so that its depthwise convolution is number 0 of the block's modules. */
const torchBlock = (block: number, module: number) => `features.${block + 1}.conv.${block === 0 ? module - 1 : module}`;

export const V1_NAMES: Record<ModelConventions, V1Names> = {
  slim: {
    convolution: (block) => slim(`Conv2d_${block}`),
    depthwise: (block) => slim(`Conv2d_${block}_depthwise`),
    pointwise: (block) => slim(`Conv2d_${block}_pointwise`),
    head: {
      pool: 'Logits/AvgPool_1a',
      dropout: 'Logits/Dropout_1b',
      classifier: 'Logits/Conv2d_1c_1x1',
      squeeze: 'Logits/SpatialSqueeze',
      softmax: 'Predictions',
    },
  },
  keras: {
    convolution: (block) => kerasV1(`conv${block + 1}`),
    depthwise: (block) => ({ ...kerasV1(`conv_dw_${block}`), pad: `conv_pad_${block}` }),
    pointwise: (block) => kerasV1(`conv_pw_${block}`),
    head: {
      pool: 'global_average_pooling2d',
      dropout: 'dropout',
      classifier: 'conv_preds',
      squeeze: 'reshape_2',
      softmax: 'predictions',
    },
  },
  torchvision: {
    convolution: (block) => torch(`features.${block}`),
    depthwise: (block) => torch(`features.${block}.0`),
    pointwise: (block) => torch(`features.${block}.1`),
    head: { pool: 'avgpool', dropout: 'classifier.0', classifier: 'classifier.1', softmax: 'softmax' },
  },
};

export const V2_NAMES: Record<ModelConventions, V2Names> = {
  slim: {
    stem: slim('Conv'),
    expand: (block) => slim(`${slimBlock(block)}/expand`),
    depthwise: (block) => slim(`${slimBlock(block)}/depthwise`),
    project: (block) => linear(slim(`${slimBlock(block)}/project`)),
    add: (block) => `${slimBlock(block)}/add`,
    last: slim('Conv_1'),
    head: {
      pool: 'Logits/AvgPool',
      dropout: 'Logits/Dropout',
      classifier: 'Logits/Conv2d_1c_1x1',
      squeeze: 'Logits/Squeeze',
      softmax: 'Predictions',
    },
  },
  keras: {
    stem: { layer: 'Conv1', norm: 'bn_Conv1', relu6: 'Conv1_relu' },
    expand: (block) => kerasV2(`${kerasBlock(block)}_expand`),
    depthwise: (block) => kerasV2(`${kerasBlock(block)}_depthwise`),
    project: (block) => linear(kerasV2(`${kerasBlock(block)}_project`)),
    add: (block) => `${kerasBlock(block)}_add`,
    last: { layer: 'Conv_1', norm: 'Conv_1_bn', relu6: 'out_relu' },
    head: { pool: 'global_average_pooling2d', classifier: 'predictions', softmax: 'predictions_softmax' },
  },
  torchvision: {
    stem: torch('features.0'),
    expand: (block) => torch(torchBlock(block, 0)),
    depthwise: (block) => torch(torchBlock(block, 1)),
    project: (block) => ({ layer: torchBlock(block, 2), norm: torchBlock(block, 3) }),
    add: (block) => `features.${block + 1}.add`,
    last: torch('features.18'),
    head: { pool: 'avgpool', dropout: 'classifier.0', classifier: 'classifier.1', softmax: 'softmax' },
  },
};

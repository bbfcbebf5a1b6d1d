/**
 * DeepLabV3 (arXiv:1706.05587) on MobileNet, as §6.3 of arXiv:1801.04381 has it and Google's deeplab builds it (model.py, feature_extractor.py): a backbone
 * whose last strides are dilations, the mean of the whole picture and a 1 × 1 convolution beside it, and between them, if asked for,
 * atrous convolutions of several rates ("ASPP"). V2's last convolution of 1280 channels is left out.
 */
import { expectFields } from '../checks.js';
import { UsageError } from '../errors.js';
import { inferShapes, type Network, NetworkBuilder } from '../network/index.js';
import { conventionPresets } from '../network/presets.js';
import type { Pair } from '../padding.js';
import { mobilenetV1 } from './mobilenet-v1.js';
import { mobilenetV2 } from './mobilenet-v2.js';
import { V1_NAMES, V2_NAMES } from './node-names.js';
import { checkChoice, checkOption, type OutputStride, outputStrides } from './options.js';

/** Of the head's batch norms; the backbone's have 1e-3. */
const EPSILON = 1e-5;

/** Channels of each branch of the head. */
const DEPTH = 256;

/** 1 − `keep_prob` of the head; only training uses it. */
const DROPOUT_RATE = 0.1;

const backbones = ['v1', 'v2'] as const;
const known = ['backbone', 'alpha', 'resolution', 'classes', 'outputStride', 'aspp', 'separable', 'lastConvolution'];

export interface DeeplabV3Options {
  /** Default 'v2'. */
  readonly backbone?: (typeof backbones)[number];
  /** Width multiplier of the backbone. Unlike the classifiers, V2's channels are then not rounded to multiples of 8. Default 1. */
  readonly alpha?: number;
  /** Side of the input in pixels, or [height, width]. One more than a multiple of the output stride suits best. Default 513. */
  readonly resolution?: number | Pair;
  /** Background counted. Default 21, Pascal VOC's. */
  readonly classes?: number;
  /** Input size over the size of the backbone's last map. Default 16. */
  readonly outputStride?: OutputStride;
  /** Rates of the atrous convolutions: [6, 12, 18] in the papers at output stride 16, twice that at 8. Default none, as in the published files. */
  readonly aspp?: readonly number[];
  /** The atrous convolutions as depthwise ones, each with a 1 × 1 one behind it. Default false. */
  readonly separable?: boolean;
  /** With V2's last convolution of 1280 channels. Default false: the paper's "V2*". */
  readonly lastConvolution?: boolean;
}

/**
 * The network, without weights: [1, height, width, 3] → [1, height, width, classes], the scores of each pixel before softmax. Throws a
 * UsageError for options that make none.
 */
export function deeplabV3(options: DeeplabV3Options = {}): Network {
  const { backbone = 'v2', alpha = 1, resolution = 513, classes = 21, outputStride = 16 } = options;
  const { aspp = [], separable = false, lastConvolution = false } = options;
  const whole = (n: number) => Number.isInteger(n) && n >= 1;
  expectFields(UsageError, 'deeplabV3, options', known, options);
  checkChoice('deeplabV3', 'backbone', backbones, backbone);
  checkChoice('deeplabV3', 'outputStride', outputStrides, outputStride);
  checkOption('deeplabV3', 'classes', 'a whole number of 1 or more', classes, whole(classes));
  checkOption('deeplabV3', 'aspp', 'rates, whole numbers of 1 or more', aspp, Array.isArray(aspp) && aspp.every(whole));
  const size: Pair = typeof resolution === 'number' ? [resolution, resolution] : resolution;

  const { network, features } = backboneOf(backbone, alpha, size, outputStride, lastConvolution);
  const [, mapHeight, mapWidth] = inferShapes(network).get(features)!;
  const net = NetworkBuilder.from(network);

  const mean = net.add('image_pooling/mean', 'globalAveragePool', features, { keepDims: true });
  const pooled = pointwise(mean, 'image_pooling');
  const branches = [
    net.add('image_pooling/resized', 'resizeBilinear', pooled, {
      size: [mapHeight, mapWidth],
      rule: 'tf1-align-corners',
    }),
    pointwise(features, 'aspp0'),
    ...aspp.map((rate, index) => atrous(features, `aspp${index + 1}`, rate)),
  ];
  const joined = net.add('concat', 'concat', branches, { axis: 3 });
  const projected = pointwise(joined, 'concat_projection');
  const dropped = net.add('concat_projection/dropout', 'dropout', projected, { rate: DROPOUT_RATE });
  const logits = net.add('logits/semantic', 'pointwiseConv2d', dropped, { filters: classes, bias: true });
  const scores = net.add('scores', 'resizeBilinear', logits, { size, rule: 'tf1-align-corners' });

  const multiplier = Number.isInteger(alpha) ? alpha.toFixed(1) : `${alpha}`;
  const name = `deeplabv3_mobilenet_${backbone}_${multiplier}_${size[0] === size[1] ? size[0] : size.join('x')}`;
  return net.build(name, [scores], {
    source: 'slim',
    output: 'features',
    preprocessing: { ...conventionPresets.slim(size), crop: { kind: 'stretch' }, resize: 'half-pixel' },
  });

  function pointwise(input: string, name: string): string {
    return normalised(net.add(name, 'pointwiseConv2d', input, { filters: DEPTH }), name);
  }

  function atrous(input: string, name: string, rate: number): string {
    const window = { kernelSize: [3, 3], dilation: [rate, rate] } as const;
    if (!separable) return normalised(net.add(name, 'conv2d', input, { ...window, filters: DEPTH }), name);
    const depthwise = `${name}_depthwise`;
    const filtered = net.add(depthwise, 'depthwiseConv2d', input, window);
    return pointwise(normalised(filtered, depthwise), `${name}_pointwise`);
  }

  function normalised(layer: string, name: string): string {
    const normed = net.add(`${name}/BatchNorm`, 'batchNorm', layer, { epsilon: EPSILON });
    return net.add(`${name}/Relu`, 'relu', normed);
  }
}

function backboneOf(
  backbone: 'v1' | 'v2',
  alpha: number,
  resolution: Pair,
  outputStride: OutputStride,
  lastConvolution: boolean,
): { network: Network; features: string } {
  const options = { alpha, resolution, outputStride, conventions: 'slim', head: 'features' } as const;
  if (backbone === 'v1')
    return { network: mobilenetV1(options), features: V1_NAMES.slim.pointwise(13).relu6 as string };
  const channelDivisor = alpha === 1 ? 8 : 1;
  const { last, project } = V2_NAMES.slim;
  return {
    network: mobilenetV2({ ...options, channelDivisor }),
    features: lastConvolution ? (last.relu6 as string) : project(16).norm,
  };
}

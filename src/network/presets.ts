/**
 * Preprocessing by name: how the networks of each library were fed when their published accuracy was measured.
 *
 *   name               crop                     resize                 order  range, or mean and deviation
 *   slim               central 87.5 %           tf1-legacy             RGB    [−1, 1]
 *   keras              shorter side 256 of 224  half-pixel-antialias   RGB    [−1, 1]
 *   torchvision        shorter side 256 of 224  half-pixel-antialias   RGB    ImageNet mean and deviation
 *   torchvision-v2     shorter side 232 of 224  half-pixel-antialias   RGB    ImageNet mean and deviation
 *   timm               shorter side 256 of 224  bicubic-antialias      RGB    ImageNet mean and deviation
 *   timm-v1            shorter side 256 of 224  bicubic-antialias      RGB    [−1, 1]
 *   tfjs               stretch                  tf1-align-corners      RGB    [−1, 1]
 *   tfjs-hub           stretch                  tf1-align-corners      RGB    [0, 1]
 *   caffe              shorter side 256 of 224  half-pixel             BGR    0…255 − mean
 *   mobilenet-caffe    shorter side 256 of 224  half-pixel             BGR    (0…255 − mean) · 0.017
 *   teachable-machine  shorter side = size      half-pixel             RGB    byte / 127 − 1
 *   tflite-128-127     stretch                  half-pixel             RGB    (byte − 128) / 127
 *
 * A shorter side is stated for 224 and grows with the size: 160 crops from ⌊160 · 256 / 224⌋ = 182.
 */
import { UsageError } from '../errors.js';
import type { Pair } from '../padding.js';
import type { CropRule, Preprocessing } from './conventions.js';
import type { Network } from './network.js';

/** A list apart from what the names stand for: an error that tells them brings no preset into a page. */
export const presetNames = [
  'slim',
  'keras',
  'torchvision',
  'torchvision-v2',
  'timm',
  'timm-v1',
  'tfjs',
  'tfjs-hub',
  'caffe',
  'mobilenet-caffe',
  'teachable-machine',
  'tflite-128-127',
] as const;

export type PresetName = (typeof presetNames)[number];

type Values = Pick<Preprocessing, 'channels' | 'scale' | 'mean' | 'deviation'>;

/** [−1, 1]: byte / 127.5 − 1, which is exact for slim's (byte / 255 − 0.5) · 2. */
const MINUS_ONE_TO_ONE: Values = { channels: 'rgb', scale: 1 / 127.5, mean: [1, 1, 1], deviation: [1, 1, 1] };

/** Mean and deviation of ImageNet's training pictures in [0, 1], as torchvision and timm state them. */
const IMAGENET: Values = {
  channels: 'rgb',
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
};

const STRETCH: CropRule = { kind: 'stretch' };

/** The shorter side becomes side/224 of the larger side of the input, rounded down as timm does it. */
const shorterSide = (side: number, [height, width]: Pair): CropRule => ({
  kind: 'shorter-side',
  side: Math.floor((Math.max(height, width) * side) / 224),
});

/**
 * The presets of the architectures' own conventions, apart from the rest: a page that makes a MobileNet downloads these three.
 */
export const conventionPresets = {
  /** tensorflow/models, research/slim/preprocessing/inception_preprocessing.py, preprocess_for_eval. */
  slim: (size) => ({ crop: { kind: 'central', fraction: 0.875 }, resize: 'tf1-legacy', size, ...MINUS_ONE_TO_ONE }),

  /**
   * keras/src/applications/imagenet_utils.py, mode 'tf'. The crop is the caller's in Keras; this is the "single center crop" of
   * the accuracies in keras-applications' README.
   */
  keras: (size) => ({ crop: shorterSide(256, size), resize: 'half-pixel-antialias', size, ...MINUS_ONE_TO_ONE }),

  /** torchvision/models/mobilenetv2.py, MobileNet_V2_Weights.IMAGENET1K_V1: ImageClassification(crop_size=224). */
  torchvision: (size) => ({ crop: shorterSide(256, size), resize: 'half-pixel-antialias', size, ...IMAGENET }),
} satisfies Record<string, (size: Pair) => Preprocessing>;

const presets: Record<PresetName, (size: Pair) => Preprocessing> = {
  slim: (size) => conventionPresets.slim(size),
  keras: (size) => conventionPresets.keras(size),
  torchvision: (size) => conventionPresets.torchvision(size),

  /** The same file, IMAGENET1K_V2: ImageClassification(crop_size=224, resize_size=232). */
  'torchvision-v2': (size) => ({ crop: shorterSide(232, size), resize: 'half-pixel-antialias', size, ...IMAGENET }),

  /** timm/models/efficientnet.py, mobilenetv2_100: crop_pct 0.875, bicubic, IMAGENET_DEFAULT_MEAN and _STD. */
  timm: (size) => ({ crop: shorterSide(256, size), resize: 'bicubic-antialias', size, ...IMAGENET }),

  /** timm/models/efficientnet.py, mobilenetv1_100: crop_pct 0.875, bicubic, IMAGENET_INCEPTION_MEAN and _STD, 0.5 each. */
  'timm-v1': (size) => ({ crop: shorterSide(256, size), resize: 'bicubic-antialias', size, ...MINUS_ONE_TO_ONE }),

  /** tfjs-models, mobilenet/src/index.ts: what the network inside the TF-Hub module receives after the module's own ·2 − 1. */
  tfjs: (size) => ({ crop: STRETCH, resize: 'tf1-align-corners', size, ...MINUS_ONE_TO_ONE }),

  /** The same file, for a graph that begins with the TF-Hub module's ·2 − 1: inputRange [0, 1]. */
  'tfjs-hub': (size) => ({
    crop: STRETCH,
    resize: 'tf1-align-corners',
    size,
    ...MINUS_ONE_TO_ONE,
    scale: 1 / 255,
    mean: [0, 0, 0],
  }),

  /** keras/src/applications/imagenet_utils.py, mode 'caffe': VGG16's mean, no scaling. */
  caffe: (size) => ({
    crop: shorterSide(256, size),
    resize: 'half-pixel',
    size,
    channels: 'bgr',
    scale: 1,
    mean: [103.939, 116.779, 123.68],
    deviation: [1, 1, 1],
  }),

  /** shicai/MobileNet-Caffe, README: "image size: 256xN", BGR mean values, scale 0.017. */
  'mobilenet-caffe': (size) => ({
    crop: shorterSide(256, size),
    resize: 'half-pixel',
    size,
    channels: 'bgr',
    scale: 1,
    mean: [103.94, 116.78, 123.68],
    deviation: [1 / 0.017, 1 / 0.017, 1 / 0.017],
  }),

  /**
   * teachablemachine-community, libraries/image/src/utils/{canvas,tf}.ts: the centre square, drawn at the input's size;
   * byte / 127 − 1, which reaches 1.008.
   */
  'teachable-machine': (size) => ({
    crop: shorterSide(224, size),
    resize: 'half-pixel',
    size,
    channels: 'rgb',
    scale: 1 / 127,
    mean: [1, 1, 1],
    deviation: [1, 1, 1],
  }),

  /** tensorflow/tensorflow#30485, --mean_values=128 --std_dev_values=127. For files converted that way; 127.5 is slim's. */
  'tflite-128-127': (size) => ({
    crop: STRETCH,
    resize: 'half-pixel',
    size,
    channels: 'rgb',
    scale: 1,
    mean: [128, 128, 128],
    deviation: [127, 127, 127],
  }),
};

/** The named preprocessing for an input of [height, width] and 3 channels, or 1: of a greyscale network. */
export function preprocessingPreset(name: PresetName, size: Pair, channels = 3): Preprocessing {
  if (!Object.hasOwn(presets, name)) {
    throw new UsageError(`preprocessing: there is no preset '${name}'; wanted one of ${presetNames.join(', ')}`);
  }
  if (size.length !== 2 || size.some((side) => !Number.isInteger(side) || side < 1)) {
    throw new UsageError(`preprocessing '${name}': the size must be [height, width] in whole pixels, found [${size}]`);
  }
  const preset = presets[name](size);
  return channels === 1 ? inGrey(name, preset) : preset;
}

/** The preset for pictures of one channel, where it treats all three alike. */
function inGrey(name: PresetName, preset: Preprocessing): Preprocessing {
  const [mean] = preset.mean;
  const [deviation] = preset.deviation;
  if (preset.mean.some((one) => one !== mean) || preset.deviation.some((one) => one !== deviation)) {
    throw new UsageError(
      `preprocessing '${name}': has a mean and deviation for each of three channels, and the network reads one; wanted a preset of one range for all, such as slim or tfjs-hub`,
    );
  }
  return { ...preset, channels: 'grey', mean: [mean], deviation: [deviation] };
}

/**
 * The preset for a network's input. One that scales its pictures itself keeps the values that its file implies: only crop and resize are
 * the preset's.
 */
export function presetFor({ inputs: [{ shape }], conventions }: Network, name: PresetName): Preprocessing {
  const preset = preprocessingPreset(name, [shape[1], shape[2]], shape[3]);
  const { preprocessing: own, scalesInput } = conventions;
  if (!scalesInput || own === undefined) return preset;
  const { assumed: _, ...range } = own;
  return { ...range, crop: preset.crop, resize: preset.resize };
}

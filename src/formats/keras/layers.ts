/**
 * Keras' layer classes as nodes. Every field of a layer's configuration is either read, known to matter in training alone, or must be
 * unset (null or false): a field that this file does not know could change the result.
 */

import {
  boolean,
  type Check,
  finite,
  listOf,
  numberWhere,
  oneOf,
  pair,
  positive,
  show,
  wholeNumber,
} from '../../checks.js';
import { NetworkError } from '../../errors.js';
import type { AttributesOf, LayerKind } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import type { Shape } from '../../tensor.js';
import {
  affine,
  cropped,
  elu,
  gelu,
  globalMax,
  hardSigmoid,
  leakyRelu,
  repeated,
  type Step,
  selu,
  swish,
  tanh,
} from '../steps.js';

/** A step of a layer, whose nodes have the layer's name and the step's suffix. */
export type KerasStep = Step & {
  /** An axis that must turn out to be the last one. */
  readonly lastAxis?: number;
};

const TRAINING_ONLY =
  /^(name|trainable|dtype|momentum|seed|noise_shape|fused|virtual_batch_size|batch_(input_)?shape|batchInputShape|.+_(initializer|regularizer|constraint))$/;

/** The fields of one layer's configuration. */
export class KerasLayer {
  /** `layer 'conv1' (Conv2D)`. */
  readonly title: string;
  /** Of the Keras that wrote the file: 2, 3; undefined where the file does not say it. */
  readonly keras: number | undefined;
  readonly #left: Map<string, unknown>;

  constructor(title: string, config: object, keras?: number) {
    this.title = title;
    this.keras = keras;
    this.#left = new Map(Object.entries(config));
  }

  /** The field's value; the fallback, where there is one, stands for a field that is missing or null. */
  take<Value>(field: string, check: Check<Value>, fallback?: Value): Value {
    const value = this.#left.get(field);
    this.#left.delete(field);
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    return check(value, `${this.title}.${field}`);
  }

  /** For a layer whose fields do not matter. */
  ignoreOthers(): void {
    this.#left.clear();
  }

  /** Throws for what has not been taken and is set. */
  expectNothingElse(): void {
    for (const [field, value] of this.#left) {
      if (value !== null && value !== false && !TRAINING_ONLY.test(field)) {
        throw new NetworkError(`${this.title}: ${field} ${show(value)} is not supported`);
      }
    }
  }
}

/** Layers that bring pictures to the range that a network wants. */
export const SCALINGS: readonly string[] = ['Rescaling', 'Normalization'];

/** The nodes that compute what the layer computes; none for one that passes its input on. */
export function stepsOf(className: string, layer: KerasLayer): KerasStep[] {
  if (!Object.hasOwn(classes, className)) {
    throw new NetworkError(
      `${layer.title}: this layer class is not supported; supported are ${Object.keys(classes).join(', ')}`,
    );
  }
  const steps = classes[className](layer);
  layer.expectNothingElse();
  return steps;
}

const word = oneOf('same', 'valid');

/** Height, width and padding of a layer that slides a window. */
function window(layer: KerasLayer) {
  layer.take('data_format', oneOf('channels_last'), 'channels_last');
  return { padding: layer.take('padding', word, 'valid') };
}

function convolution(layer: KerasLayer) {
  layer.take('groups', oneOf(1), 1);
  return {
    ...window(layer),
    kernelSize: layer.take('kernel_size', pair),
    strides: layer.take('strides', pair, [1, 1]),
    dilation: layer.take('dilation_rate', pair, [1, 1]),
  };
}

function pooling(layer: KerasLayer) {
  const poolSize: Pair = layer.take('pool_size', pair);
  return { ...window(layer), poolSize, strides: layer.take('strides', pair, poolSize) };
}

export const activationSteps: Readonly<Record<string, readonly KerasStep[]>> = {
  linear: [],
  relu: [{ kind: 'relu', attributes: {} }],
  relu6: [{ kind: 'relu6', attributes: {} }],
  leaky_relu: leakyRelu([0.2]),
  elu: elu(1),
  selu: selu(),
  gelu: gelu(),
  tanh: tanh(),
  sigmoid: [{ kind: 'sigmoid', attributes: {} }],
  softmax: [{ kind: 'softmax', attributes: {} }],
  swish: swish(),
  silu: swish(),
  hard_swish: [{ kind: 'hardSwish', attributes: {} }],
  hard_silu: [{ kind: 'hardSwish', attributes: {} }],
  hard_sigmoid: [{ kind: 'hardSigmoid', attributes: {} }],
};

/** The steps of an activation. Keras 2 has another hard sigmoid, of the slope 0.2 in place of 1/6. */
function stepsOfActivation(name: string, { keras, title }: KerasLayer): readonly KerasStep[] {
  if (name !== 'hard_sigmoid' || keras === 3) return activationSteps[name];
  if (keras === undefined) {
    throw new NetworkError(
      `${title}: hard_sigmoid is another function in Keras 2 than in Keras 3; wanted a file with its keras_version`,
    );
  }
  return hardSigmoid(0.2, 0.5);
}

const activationName: Check<string> = (value, at) => {
  const { class_name: kind, config } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return oneOf(...Object.keys(activationSteps))((kind === 'function' ? config : value) as string, at);
};

/** The activation that a layer applies to its own result: nodes with the activation's name at the end of the layer's. */
function activation(layer: KerasLayer): KerasStep[] {
  const name = layer.take('activation', activationName, 'linear');
  return stepsOfActivation(name, layer).map((step) => ({ ...step, suffix: `_${name}${step.suffix ?? ''}` }));
}

/** One node, and the layer's own activation. */
function node<Kind extends LayerKind>(layer: KerasLayer, kind: Kind, attributes: AttributesOf<Kind>): KerasStep[] {
  return [{ kind, attributes } as unknown as KerasStep, ...activation(layer)];
}

/** A number, or a list of them, in whatever lists of one. */
export const numbers: Check<readonly number[]> = (value, at) => {
  const list = Array.isArray(value) ? value.flat(8) : [value];
  return listOf(finite, 1, MOST_CHANNELS)(list, at);
};

const MOST_CHANNELS = 100_000;

const isOnes = ([height, width]: Pair): boolean => height === 1 && width === 1;

const axis = wholeNumber(-8, 7);

/** Keras writes the axis of batch norm as 3 or as [3]. */
const oneAxis: Check<number> = (value, at) =>
  Array.isArray(value) ? listOf(axis, 1, 1)(value, at)[0] : axis(value, at);

/** The centre of a picture: inference takes it of RandomCrop too. */
function centre(layer: KerasLayer): KerasStep[] {
  layer.take('data_format', oneOf('channels_last'), 'channels_last');
  const size: Pair = [layer.take('height', positive), layer.take('width', positive)];
  const around = (side: number, wanted: number): Pair => {
    const before = Math.trunc((side - wanted) / 2);
    return [before, side - wanted - before];
  };
  return cropped(([, height, width]) => {
    if (height < size[0] || width < size[1]) {
      throw new NetworkError(
        `${layer.title}: pictures of ${height} x ${width} have no centre of ${size.join(' x ')}, and Keras then enlarges them; wanted larger ones`,
      );
    }
    return { height: around(height, size[0]), width: around(width, size[1]) };
  });
}

const optionalNumbers: Check<readonly number[] | null> = (value, at) => (value === null ? null : numbers(value, at));

const dropout = (layer: KerasLayer): KerasStep[] => [
  { kind: 'dropout', attributes: { rate: layer.take('rate', finite) } },
];

/** TensorFlow 1 and 2 export their batch norm under names of its own. */
const BATCH_NORMS = ['BatchNormalization', 'BatchNormalizationV1', 'BatchNormalizationV2', 'SyncBatchNormalization'];

/** Some programs write 1 and 0. */
const flag: Check<boolean> = (value, at) => (value === 1 || value === 0 ? value === 1 : boolean(value, at));

function batchNorm(layer: KerasLayer): KerasStep[] {
  const attributes = {
    epsilon: layer.take('epsilon', finite, 1e-3),
    scale: layer.take('scale', flag, true),
    center: layer.take('center', flag, true),
  };
  layer.take('synchronized', boolean, false);
  return [{ kind: 'batchNorm', attributes, lastAxis: layer.take('axis', oneAxis, -1) }];
}

/** Layers that drop numbers while a network is trained. */
const DROPOUTS = ['Dropout', 'SpatialDropout2D', 'GaussianDropout', 'AlphaDropout'];

/** Layers that only do something while a network is trained: noise, penalties and changes to pictures. */
const TRAINING = [
  'GaussianNoise',
  'ActivityRegularization',
  'RandomFlip',
  'RandomRotation',
  'RandomTranslation',
  'RandomZoom',
  'RandomShear',
  'RandomHeight',
  'RandomWidth',
  'RandomContrast',
  'RandomBrightness',
  'RandomHue',
  'RandomSaturation',
  'RandomColorJitter',
  'RandomGrayscale',
  'RandomSharpness',
  'RandomErasing',
  'RandomInvert',
  'RandomPosterization',
];

function nothing(layer: KerasLayer): KerasStep[] {
  layer.ignoreOthers();
  return [];
}

const classes: Readonly<Record<string, (layer: KerasLayer) => KerasStep[]>> = {
  Conv2D(layer) {
    const filters = layer.take('filters', positive);
    const bias = layer.take('use_bias', boolean, true);
    const attributes = convolution(layer);
    if (isOnes(attributes.kernelSize) && isOnes(attributes.strides))
      return node(layer, 'pointwiseConv2d', { filters, bias });
    return node(layer, 'conv2d', { filters, bias, ...attributes });
  },

  DepthwiseConv2D(layer) {
    const depthMultiplier = layer.take('depth_multiplier', positive, 1);
    const bias = layer.take('use_bias', boolean, true);
    return node(layer, 'depthwiseConv2d', { depthMultiplier, bias, ...convolution(layer) });
  },

  SeparableConv2D(layer) {
    const depthMultiplier = layer.take('depth_multiplier', positive, 1);
    const filters = layer.take('filters', positive);
    const bias = layer.take('use_bias', boolean, true);
    const depthwise = { depthMultiplier, bias: false, ...convolution(layer) };
    return [
      { suffix: '_depthwise', kind: 'depthwiseConv2d', attributes: depthwise },
      ...node(layer, 'pointwiseConv2d', { filters, bias }),
    ];
  },

  Dense(layer) {
    const units = layer.take('units', positive);
    return node(layer, 'dense', { units, bias: layer.take('use_bias', boolean, true) });
  },

  ...Object.fromEntries(BATCH_NORMS.map((className) => [className, batchNorm])),

  ReLU(layer) {
    layer.take('threshold', oneOf(0), 0);
    const max = layer.take(
      'max_value',
      numberWhere('a number above 0', (value) => value > 0),
      Infinity,
    );
    const slope = layer.take('negative_slope', max === Infinity ? finite : oneOf(0), 0);
    if (slope !== 0) return leakyRelu([slope]);
    if (max === Infinity) return [{ kind: 'relu', attributes: {} }];
    if (max === 6) return [{ kind: 'relu6', attributes: {} }];
    return [{ kind: 'clamp', attributes: { min: 0, max } }];
  },

  Activation(layer) {
    return [...stepsOfActivation(layer.take('activation', activationName), layer)];
  },

  ELU(layer) {
    return elu(layer.take('alpha', finite, 1));
  },

  LeakyReLU(layer) {
    const keras2 = layer.take('alpha', finite, 0.3);
    return leakyRelu([layer.take('negative_slope', finite, keras2)]);
  },

  PReLU(layer) {
    layer.take('shared_axes', (axes) => axes, null);
    return leakyRelu(undefined);
  },

  Softmax(layer) {
    return [{ kind: 'softmax', attributes: {}, lastAxis: layer.take('axis', oneAxis, -1) }];
  },

  ZeroPadding2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    const sides = listOf(listOf(wholeNumber(0), 2, 2), 2, 2);
    const [[top, bottom], [left, right]] = layer.take('padding', sides);
    return [{ kind: 'pad', attributes: { padding: { top, bottom, left, right }, value: 0 } }];
  },

  GlobalAveragePooling2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    const keepDims = layer.take('keepdims', boolean, false);
    return [{ kind: 'globalAveragePool', attributes: { keepDims } }];
  },

  GlobalMaxPooling2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    return globalMax(layer.take('keepdims', boolean, false));
  },

  AveragePooling2D(layer) {
    return [{ kind: 'averagePool', attributes: { ...pooling(layer), includePadding: false } }];
  },

  MaxPooling2D(layer) {
    return [{ kind: 'maxPool', attributes: pooling(layer) }];
  },

  Reshape(layer) {
    const size = numberWhere(
      'a whole number of 1 or more, or -1',
      (value) => Number.isInteger(value) && (value === -1 || value >= 1),
    );
    return [{ kind: 'reshape', attributes: { shape: layer.take('target_shape', listOf(size, 0, 7)) } }];
  },

  Flatten(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    return [{ kind: 'flatten', attributes: {} }];
  },

  Rescaling(layer) {
    const scale = layer.take('scale', numbers);
    return [affine('', scale, layer.take('offset', numbers, [0]))];
  },

  Normalization(layer) {
    const axis = layer.take('axis', (value, at) => (value === null ? -1 : oneAxis(value, at)), -1);
    const mean = layer.take('mean', optionalNumbers, null);
    const variance = layer.take('variance', optionalNumbers, null);
    const constants = mean && variance && { movingMean: mean, movingVariance: variance };
    // Keras divides by a deviation of 1e-7 or more
    const attributes = { epsilon: 1e-14, scale: false, center: false };
    return [{ kind: 'batchNorm', attributes, lastAxis: axis, ...(constants && { constants }) }];
  },

  Resizing(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    layer.take('interpolation', oneOf('bilinear'), 'bilinear');
    for (const unused of ['fill_mode', 'fill_value']) layer.take(unused, (value) => value, null);
    const size: Pair = [layer.take('height', positive), layer.take('width', positive)];
    return [{ kind: 'resizeBilinear', attributes: { size, rule: 'half-pixel' } }];
  },

  CenterCrop: centre,
  RandomCrop: centre,

  ...Object.fromEntries(DROPOUTS.map((className) => [className, dropout])),
  ...Object.fromEntries(TRAINING.map((className) => [className, nothing])),

  UpSampling2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    const times = layer.take('size', pair, [2, 2]);
    const rule = layer.take('interpolation', oneOf('nearest', 'bilinear'), 'nearest');
    if (rule === 'nearest') return repeated(times);
    const size = ([, height, width]: Shape) =>
      ({ size: [height * times[0], width * times[1]], rule: 'half-pixel' }) as const;
    return [{ kind: 'resizeBilinear', attributes: size }];
  },

  Cropping2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    const sides = listOf(listOf(wholeNumber(0), 2, 2), 2, 2);
    const [height, width] = layer.take('cropping', sides) as [Pair, Pair];
    return cropped(() => ({ height, width }));
  },

  Multiply: () => [{ kind: 'multiply', attributes: {} }],

  Add: () => [{ kind: 'add', attributes: {} }],

  Concatenate(layer) {
    return [{ kind: 'concat', attributes: { axis: layer.take('axis', axis, -1) } }];
  },
};

export const kerasClasses: readonly string[] = Object.keys(classes);

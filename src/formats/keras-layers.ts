/**
 * Keras' layer classes as nodes. Every field of a layer's configuration is either read, known to matter in training alone, or must be
 * unset (null or false): a field that this file does not know could change the result.
 */
import { NetworkError } from '../errors.js';
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
} from '../network/checks.js';
import type { AttributesOf, LayerKind } from '../network/index.js';
import type { Pair } from '../padding.js';

/** A node to be; its name is the layer's name and the suffix. A layer's first node reads the layer's inputs, each next the one before. */
interface NodeStep<Kind extends LayerKind> {
  readonly suffix: string;
  readonly kind: Kind;
  readonly attributes: AttributesOf<Kind>;
  /** An axis that must turn out to be the last one. */
  readonly lastAxis?: number;
}
export type Step = { [Kind in LayerKind]: NodeStep<Kind> }[LayerKind];

const TRAINING_ONLY =
  /^(name|trainable|dtype|momentum|seed|noise_shape|fused|virtual_batch_size|batch_input_shape|.+_(initializer|regularizer|constraint))$/;

/** The fields of one layer's configuration. */
export class KerasLayer {
  /** `layer 'conv1' (Conv2D)`. */
  readonly title: string;
  readonly #left: Map<string, unknown>;

  constructor(title: string, config: object) {
    this.title = title;
    this.#left = new Map(Object.entries(config));
  }

  /** The field's value; the fallback, where there is one, stands for a field that is missing or null. */
  take<Value>(field: string, check: Check<Value>, fallback?: Value): Value {
    const value = this.#left.get(field);
    this.#left.delete(field);
    if ((value === undefined || value === null) && fallback !== undefined) return fallback;
    return check(value, `${this.title}.${field}`);
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

/** The nodes that compute what the layer computes; none for one that passes its input on. */
export function stepsOf(className: string, layer: KerasLayer): Step[] {
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

const activationSteps: Readonly<Record<string, readonly Step[]>> = {
  linear: [],
  relu: [{ suffix: '', kind: 'relu', attributes: {} }],
  relu6: [{ suffix: '', kind: 'relu6', attributes: {} }],
  sigmoid: [{ suffix: '', kind: 'sigmoid', attributes: {} }],
  softmax: [{ suffix: '', kind: 'softmax', attributes: {} }],
};

/** The activation that a layer applies to its own result: a node with the activation's name at the end of its own. */
function activation(layer: KerasLayer): Step[] {
  const name = layer.take('activation', oneOf(...Object.keys(activationSteps)), 'linear');
  return activationSteps[name].map((step) => ({ ...step, suffix: `_${name}` }));
}

/** One node, and the layer's own activation. */
function node<Kind extends LayerKind>(layer: KerasLayer, kind: Kind, attributes: AttributesOf<Kind>): Step[] {
  return [{ suffix: '', kind, attributes } as Step, ...activation(layer)];
}

const isOnes = ([height, width]: Pair): boolean => height === 1 && width === 1;

const axis = wholeNumber(-8, 7);

/** Keras writes the axis of batch norm as 3 or as [3]. */
const oneAxis: Check<number> = (value, at) =>
  Array.isArray(value) ? listOf(axis, 1, 1)(value, at)[0] : axis(value, at);

const classes: Readonly<Record<string, (layer: KerasLayer) => Step[]>> = {
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

  BatchNormalization(layer) {
    const attributes = {
      epsilon: layer.take('epsilon', finite, 1e-3),
      scale: layer.take('scale', boolean, true),
      center: layer.take('center', boolean, true),
    };
    return [{ suffix: '', kind: 'batchNorm', attributes, lastAxis: layer.take('axis', oneAxis, -1) }];
  },

  ReLU(layer) {
    layer.take('negative_slope', oneOf(0), 0);
    layer.take('threshold', oneOf(0), 0);
    const max = layer.take(
      'max_value',
      numberWhere('a number above 0', (value) => value > 0),
      Infinity,
    );
    if (max === Infinity) return [{ suffix: '', kind: 'relu', attributes: {} }];
    if (max === 6) return [{ suffix: '', kind: 'relu6', attributes: {} }];
    return [{ suffix: '', kind: 'clamp', attributes: { min: 0, max } }];
  },

  Activation(layer) {
    return [...activationSteps[layer.take('activation', oneOf(...Object.keys(activationSteps)))]];
  },

  Softmax(layer) {
    return [{ suffix: '', kind: 'softmax', attributes: {}, lastAxis: layer.take('axis', oneAxis, -1) }];
  },

  ZeroPadding2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    const sides = listOf(listOf(wholeNumber(0), 2, 2), 2, 2);
    const [[top, bottom], [left, right]] = layer.take('padding', sides);
    return [{ suffix: '', kind: 'pad', attributes: { padding: { top, bottom, left, right }, value: 0 } }];
  },

  GlobalAveragePooling2D(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    const keepDims = layer.take('keepdims', boolean, false);
    return [{ suffix: '', kind: 'globalAveragePool', attributes: { keepDims } }];
  },

  AveragePooling2D(layer) {
    return [{ suffix: '', kind: 'averagePool', attributes: { ...pooling(layer), includePadding: false } }];
  },

  MaxPooling2D(layer) {
    return [{ suffix: '', kind: 'maxPool', attributes: pooling(layer) }];
  },

  Reshape(layer) {
    const size = numberWhere(
      'a whole number of 1 or more, or -1',
      (value) => Number.isInteger(value) && (value === -1 || value >= 1),
    );
    return [{ suffix: '', kind: 'reshape', attributes: { shape: layer.take('target_shape', listOf(size, 0, 7)) } }];
  },

  Flatten(layer) {
    layer.take('data_format', oneOf('channels_last'), 'channels_last');
    return [{ suffix: '', kind: 'flatten', attributes: {} }];
  },

  Dropout(layer) {
    return [{ suffix: '', kind: 'dropout', attributes: { rate: layer.take('rate', finite) } }];
  },

  Add: () => [{ suffix: '', kind: 'add', attributes: {} }],

  Concatenate(layer) {
    return [{ suffix: '', kind: 'concat', attributes: { axis: layer.take('axis', axis, -1) } }];
  },
};

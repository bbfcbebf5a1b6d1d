/**
 * What each kind of layer may be told: the checks of its attributes. Marked as pure, so that a page that only uses the layers leaves them out.
 */

import {
  boolean,
  type Check,
  explicitPadding,
  type Fields,
  finite,
  listOf,
  numberWhere,
  oneOf,
  padding,
  pair,
  positive,
  record,
  wholeNumber,
} from '../checks.js';
import { NetworkError } from '../errors.js';
import type { AttributesOf, LayerKind, NetworkNode } from './network.js';

/** Deepest tensor that a description may speak of. */
export const LARGEST_RANK = 8;

const epsilon = /* @__PURE__ */ numberWhere('a number of 0 or more', (value) => value >= 0);
const rate = /* @__PURE__ */ numberWhere('a rate from 0 up to, not including, 1', (value) => value >= 0 && value < 1);
const axis = /* @__PURE__ */ wholeNumber(-LARGEST_RANK, LARGEST_RANK - 1);
const sizeOrRest: Check<number> = (value, at) => (value === -1 ? -1 : positive(value, at));

const attributeChecks: { readonly [Kind in LayerKind]: Fields<AttributesOf<Kind>> } = {
  conv2d: { filters: positive, kernelSize: pair, strides: pair, dilation: pair, padding, bias: boolean },
  depthwiseConv2d: {
    kernelSize: pair,
    strides: pair,
    dilation: pair,
    padding,
    depthMultiplier: positive,
    bias: boolean,
  },
  pointwiseConv2d: { filters: positive, bias: boolean },
  batchNorm: { epsilon, scale: boolean, center: boolean },
  relu: {},
  relu6: {},
  clamp: { min: finite, max: finite },
  sigmoid: {},
  softmax: {},
  dropout: { rate },
  add: {},
  concat: { axis },
  pad: { padding: explicitPadding, value: finite },
  averagePool: { poolSize: pair, strides: pair, padding, includePadding: boolean },
  maxPool: { poolSize: pair, strides: pair, padding },
  globalAveragePool: { keepDims: boolean },
  dense: { units: positive, bias: boolean },
  flatten: {},
  reshape: { shape: /* @__PURE__ */ listOf(sizeOrRest, 0, LARGEST_RANK - 1) },
  resizeBilinear: { size: pair, rule: /* @__PURE__ */ oneOf('tf1-legacy', 'tf1-align-corners', 'half-pixel') },
  argMax: {},
};

/** The attributes rebuilt from their known fields; throws a NetworkError for a kind or an attribute that does not exist or fit. */
export function checkAttributes(kind: string, attributes: unknown, at: string): NetworkNode['attributes'] {
  if (!Object.hasOwn(attributeChecks, kind)) throw new NetworkError(`${at}: there is no layer kind '${kind}'`);
  return record(attributeChecks[kind as LayerKind] as Fields<object>)(attributes, at) as NetworkNode['attributes'];
}

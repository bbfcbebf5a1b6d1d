/** Padding as TensorFlow's formats write it: 'same' or 'valid', and what neither says as an operator that pads before. */
import { NetworkError } from '../errors.js';
import type { NodeOf } from '../network/index.js';
import { type ExplicitPadding, type Pair, paddingInWords, slideWindows } from '../padding.js';
import type { Shape } from '../tensor.js';

export interface WrittenPadding {
  /** Samples to be put around the input before. */
  readonly before?: ExplicitPadding;
  readonly word: 'same' | 'valid';
}

/** With strides above 1 'same' depends on the size: then the samples are written, so that a network read back means the same at every size. */
export function writtenPadding(
  node: NodeOf<'conv2d' | 'depthwiseConv2d' | 'maxPool'>,
  [, H, W]: Shape,
): WrittenPadding {
  const { strides, padding } = node.attributes;
  const [kernelSize, dilation]: readonly [Pair, Pair] =
    node.kind === 'maxPool'
      ? [node.attributes.poolSize, [1, 1]]
      : [node.attributes.kernelSize, node.attributes.dilation];
  const isDense = strides[0] === 1 && strides[1] === 1;
  const words = isDense ? paddingInWords(node.name, [H, W], kernelSize, strides, dilation, padding) : padding;
  return typeof words === 'string' ? { word: words } : { before: words, word: 'valid' };
}

/**
 * TensorFlow leaves padding out of a mean; padding that counts is put around the input before. A NetworkError for padding that is neither
 * counted nor, at this size, 'same'.
 */
export function writtenMeanPadding(node: NodeOf<'averagePool'>, [, H, W]: Shape, format: string): WrittenPadding {
  const { poolSize, strides, padding, includePadding } = node.attributes;
  if (includePadding) {
    const { vertical, horizontal } = slideWindows(node.name, [H, W], poolSize, strides, [1, 1], padding);
    const before = { top: vertical.before, bottom: vertical.after, left: horizontal.before, right: horizontal.after };
    return Object.values(before).some((samples) => samples > 0) ? { before, word: 'valid' } : { word: 'valid' };
  }
  const words = paddingInWords(node.name, [H, W], poolSize, strides, [1, 1], padding);
  if (typeof words === 'string') return { word: words };
  throw new NetworkError(
    `${node.name}: ${format} knows no average pool with explicit padding that leaves the padding out of its mean`,
  );
}

/**
 * How a width multiplier α becomes whole numbers of channels. The libraries disagree, though not at any published α:
 *
 *          MobileNet V1              MobileNet V2
 *   slim         max(⌊c·α⌋, 8)       roundChannels(c·α)
 *   Keras        ⌊c·α⌋               roundChannels(⌊c·α⌋) in the blocks, roundChannels(c·α) in the first and last layer
 *   torchvision  roundChannels(c·α)  roundChannels(c·α)
 *
 * Sources: tensorflow/models, slim/nets/mobilenet_v1.py (`depth`) and slim/nets/mobilenet/mobilenet.py (`depth_multiplier`);
 * keras/src/applications/mobilenet.py and mobilenet_v2.py; torchvision/models/mobilenetv2.py. torchvision has no V1: its column is
 * the rule that it follows everywhere else.
 */
import { roundHalfToEven } from '../rounding.js';
import type { ModelConventions } from './options.js';

/**
 * The nearest multiple of `divisor`, at least `smallest`, and one multiple more where that would lose over 10 % of the channels:
 * `_make_divisible` of all three libraries.
 */
export function roundChannels(channels: number, divisor = 8, smallest = divisor): number {
  const nearest = Math.floor(Math.floor(channels + divisor / 2) / divisor) * divisor;
  const rounded = Math.max(smallest, nearest);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

export const v1Width: Record<ModelConventions, (channels: number, alpha: number) => number> = {
  slim: (channels, alpha) => Math.max(Math.floor(channels * alpha), 8),
  keras: (channels, alpha) => Math.floor(channels * alpha),
  torchvision: (channels, alpha) => roundChannels(channels * alpha),
};

/** What is rounded to a multiple inside V2's blocks. */
export const v2Width: Record<ModelConventions, (channels: number, alpha: number) => number> = {
  slim: (channels, alpha) => channels * alpha,
  keras: (channels, alpha) => Math.floor(channels * alpha),
  torchvision: (channels, alpha) => channels * alpha,
};

/** Channels between V2's expansion and projection: t times the block's input, which is whole for whole t. */
export const expandedWidth: Record<ModelConventions, (channels: number, t: number) => number> = {
  slim: (channels, t) => (t === 1 ? channels : roundChannels(channels * t)),
  keras: (channels, t) => Math.floor(channels * t),
  torchvision: (channels, t) => roundHalfToEven(channels * t),
};

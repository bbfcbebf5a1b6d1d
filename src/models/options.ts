/** What both MobileNets can be asked for, and what they are without being asked. */
import { expectFields, expectOneOf } from '../checks.js';
import { UsageError } from '../errors.js';
import type { Pair } from '../padding.js';

/** Whose rules a network follows: padding, epsilon, rounding of channels, head, names and preprocessing. */
export const modelConventions = ['slim', 'keras', 'torchvision'] as const;
export type ModelConventions = (typeof modelConventions)[number];

export const outputStrides = [8, 16, 32] as const;
export type OutputStride = (typeof outputStrides)[number];

const heads = ['classifier', 'pooled', 'features'] as const;
const outputs = ['logits', 'probabilities'] as const;

export interface MobilenetOptions {
  /** Width multiplier α > 0: every layer has α times the channels. Default 1. */
  readonly alpha?: number;
  /**
   * Strides 1 in place of the first two of 2, so that a picture of 32 × 32 ends as a map of 4 × 4: the usual change for CIFAR-10
   * (github.com/kuangliu/pytorch-cifar, models/mobilenetv2.py: "change stride 2 -> 1 for CIFAR10" in the first convolution and in the
   * row of 24 channels). The weights are the same. The output stride is 8 then, whatever `outputStride` allows. Default false.
   */
  readonly smallPictures?: boolean;
  /** Side of the input in pixels, or [height, width]. Default 224, from 32 on; for small pictures 32, from 8 on. */
  readonly resolution?: number | Pair;
  /** Default 'keras'. */
  readonly conventions?: ModelConventions;
  /** Default 1001 for slim, whose class 0 is 'background', and 1000 for the others. */
  readonly classes?: number;
  /** 1 when output 0 is 'background'. Default: 1 for 1001 classes, otherwise 0. */
  readonly labelOffset?: 0 | 1;
  /**
   * Input size over the size of the last feature map. Below 32 the strides that would exceed it become dilations, so that the same
   * weights compute the same features on a denser grid (atrous convolution). Default 32.
   */
  readonly outputStride?: OutputStride;
  /** 'classifier', or no classifier: 'pooled' ends with [batch, channels], 'features' with the last feature map. Default 'classifier'. */
  readonly head?: (typeof heads)[number];
  /** What the classifier yields. Default 'logits' for torchvision, 'probabilities' for the others. */
  readonly output?: (typeof outputs)[number];
}

/** The options with the conventions' defaults filled in. */
export interface MobilenetSettings extends Required<Omit<MobilenetOptions, 'resolution'>> {
  readonly resolution: Pair;
}

/** Options that one of the two has, and the part of a name's meaning that is none: callers hold them for either. */
const OF_ONE = [
  'convolutions',
  'shallow',
  'expansionFactor',
  'narrowLast',
  'channelDivisor',
  'minChannels',
  'architecture',
];

/** Throws a UsageError for what makes no network, and for options that neither MobileNet has. */
export function settle(model: string, options: MobilenetOptions): MobilenetSettings {
  const conventions = options.conventions ?? 'keras';
  const classes = options.classes ?? (conventions === 'slim' ? 1001 : 1000);
  const { smallPictures = false, resolution = smallPictures ? 32 : 224 } = options;
  const settings: MobilenetSettings = {
    alpha: options.alpha ?? 1,
    resolution: typeof resolution === 'number' ? [resolution, resolution] : resolution,
    smallPictures,
    conventions,
    classes,
    labelOffset: options.labelOffset ?? (classes === 1001 ? 1 : 0),
    outputStride: options.outputStride ?? 32,
    head: options.head ?? 'classifier',
    output: options.output ?? (conventions === 'torchvision' ? 'logits' : 'probabilities'),
  };
  expectFields(UsageError, `${model}, options`, Object.keys(settings).concat(OF_ONE), options);
  checkSettings(model, settings);
  return settings;
}

function checkSettings(model: string, settings: MobilenetSettings): void {
  const { alpha, smallPictures, resolution, classes, conventions, labelOffset, outputStride, head, output } = settings;
  const wholeFrom = (smallest: number, value: number) => Number.isInteger(value) && value >= smallest;
  checkOption(model, 'alpha', 'a number above 0', alpha, Number.isFinite(alpha) && alpha > 0);
  const least = smallPictures ? 8 : 32;
  const sides =
    Array.isArray(resolution) && resolution.length === 2 && resolution.every((side) => wholeFrom(least, side));
  checkOption(model, 'resolution', `whole pixels, ${least} or more`, resolution, sides);
  checkOption(model, 'classes', 'a whole number of 1 or more', classes, wholeFrom(1, classes));
  checkChoice(model, 'conventions', modelConventions, conventions);
  checkChoice(model, 'labelOffset', [0, 1], labelOffset);
  checkChoice(model, 'outputStride', outputStrides, outputStride);
  checkChoice(model, 'head', heads, head);
  checkChoice(model, 'output', outputs, output);
}

export function checkOption(model: string, name: string, wanted: string, found: unknown, holds: boolean): void {
  if (!holds) throw new UsageError(`${model}: ${name} must be ${wanted}, found ${found}`);
}

export function checkChoice(model: string, name: string, choices: readonly unknown[], found: unknown): void {
  expectOneOf(UsageError, `${model}: ${name}`, choices, found);
}

/** The channels that an option's value leaves of `full`, if it leaves any. */
export function checkChannels(model: string, option: string, found: number, full: number, channels: number): number {
  checkOption(model, option, `large enough to leave 1 of ${full} channels`, found, channels >= 1);
  return channels;
}

/** 'mobilenet_v1_0.75_192' as slim names its checkpoints; '160x224' for [height, width]; '_small' for small pictures. */
export function standardName(architecture: string, { alpha, resolution, smallPictures }: MobilenetSettings): string {
  const [height, width] = resolution;
  const multiplier = Number.isInteger(alpha) ? alpha.toFixed(1) : `${alpha}`;
  const size = height === width ? height : `${height}x${width}`;
  return `${architecture}_${multiplier}_${size}${smallPictures ? '_small' : ''}`;
}

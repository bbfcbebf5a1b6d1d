/**
 * What one layer or operator of a file becomes: a few nodes, each of which reads the one before unless it says otherwise. What no kind of layer
 * computes by itself is composed here, for the readers of all formats.
 */
import { NetworkError } from '../errors.js';
import type { AttributesOf, LayerKind } from '../network/index.js';
import type { Pair } from '../padding.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../tensor.js';

interface NodeStep<Kind extends LayerKind> {
  /** Behind the name of the whole, which the last step has itself. */
  readonly suffix?: string;
  readonly kind: Kind;
  /** Perhaps by the shape that it reads. */
  readonly attributes: AttributesOf<Kind> | ((input: Shape) => AttributesOf<Kind>);
  /** The steps whose results it reads, where it is not the one before; -1 for what the whole reads. */
  readonly reads?: readonly number[];
  /** Weights of one number for each channel, or of one for all. */
  readonly constants?: Readonly<Record<string, readonly number[]>>;
  readonly weights?: Readonly<Record<string, Tensor>>;
}
export type Step = { [Kind in LayerKind]: NodeStep<Kind> }[LayerKind];

/** The attributes for what the step reads first. */
export const attributesOf = ({ attributes }: { readonly attributes?: unknown }, input: Shape): unknown =>
  typeof attributes === 'function' ? attributes(input) : attributes;

interface StepWeights<Weight> {
  readonly weights?: Readonly<Record<string, Weight>>;
  readonly constants?: Readonly<Record<string, readonly number[]>>;
}

/** The weights that the step brings along; its result has so many channels. */
export function weightsOf<Weight>(
  { weights, constants = {} }: StepWeights<Weight>,
  channels: number,
): Record<string, Weight | Tensor> {
  const spread = Object.entries(constants).map(
    ([weight, numbers]) => [weight, forChannels(numbers, channels)] as const,
  );
  return { ...weights, ...Object.fromEntries(spread) };
}

function forChannels(numbers: readonly number[], channels: number): Tensor {
  if (numbers.length !== 1 && numbers.length !== channels) {
    throw new NetworkError(`found ${numbers.length} constants; wanted one, or one for each of ${channels} channels`);
  }
  return tensor(
    [channels],
    Float64Array.from({ length: channels }, (_, c) => numbers[c] ?? numbers[0]),
  );
}

const NORM = { epsilon: 0, scale: true, center: true };

/** Mean and variance of a batch norm that only multiplies and adds. */
const STANDARD = { movingMean: [0], movingVariance: [1] };

/** y = scale · x + shift, with one number for each channel or one for all. */
export function affine(suffix: string, scale: readonly number[], shift: readonly number[]): Step {
  return { suffix, kind: 'batchNorm', attributes: NORM, constants: { gamma: scale, beta: shift, ...STANDARD } };
}

/**
 * relu(x) − slope · relu(−x): exact, since one of the two is 0. One slope, or one for each channel; undefined where they are weights of the file, which
 * the batch norm '_slope' then has as its gamma.
 */
export function leakyRelu(slopes: readonly number[] | undefined): Step[] {
  return [
    { suffix: '_above', kind: 'relu', attributes: {}, reads: [-1] },
    { ...affine('_minus', [-1], [0]), reads: [-1] },
    { suffix: '_below', kind: 'relu', attributes: {} },
    slopes === undefined
      ? { suffix: '_slope', kind: 'batchNorm', attributes: NORM, constants: { beta: [0], ...STANDARD } }
      : affine(
          '_slope',
          slopes.map((slope) => -slope),
          [0],
        ),
    { suffix: '', kind: 'add', attributes: {}, reads: [0, 3] },
  ];
}

/** tanh(x) = 2σ(2x) − 1. */
export function tanh(): Step[] {
  return [affine('_twice', [2], [0]), { suffix: '_sigmoid', kind: 'sigmoid', attributes: {} }, affine('', [2], [-1])];
}

/** slope · x + offset, held between 0 and 1. */
export function hardSigmoid(slope: number, offset: number): Step[] {
  return [affine('_line', [slope], [offset]), { suffix: '', kind: 'clamp', attributes: { min: 0, max: 1 } }];
}

/** The largest number of each channel. */
export function globalMax(keepDims: boolean): Step[] {
  const wholePicture = ([, height, width]: Shape) =>
    ({ poolSize: [height, width], strides: [1, 1], padding: 'valid' }) as const;
  return [
    { suffix: keepDims ? '' : '_max', kind: 'maxPool', attributes: wholePicture },
    ...(keepDims ? [] : [{ suffix: '', kind: 'flatten', attributes: {} } as const]),
  ];
}

/**
 * Each pixel of a picture [batch, height, width, channels] so many times below and beside itself: enlarging to the nearest pixel. Copies are joined behind
 * the channels, and read as neighbours.
 */
export function repeated([, height, width, channels]: Shape, [down, across]: Pair): Step[] {
  const join = (times: number): Step => ({
    suffix: '_copies',
    kind: 'concat',
    attributes: { axis: 3 },
    reads: Array.from({ length: times }, () => -1),
  });
  const shaped = (suffix: string, shape: Shape): Step => ({ suffix, kind: 'reshape', attributes: { shape } });
  const wide = [join(across), shaped('', [height, width * across, channels])];
  if (down === 1) return across === 1 ? [] : wide;
  const before = across === 1 ? [] : [join(across)];
  const rows = shaped('_rows', [height, 1, width * across * channels]);
  const below = { ...join(down), suffix: '_rows_copies', reads: Array.from({ length: down }, () => before.length) };
  return [...before, rows, below, shaped('', [height * down, width * across, channels])];
}

/** Which part of a tensor along one axis behind the batch: `count` numbers from `from` on, every `step`-th. */
export interface Part {
  readonly axis: number;
  readonly from: number;
  readonly count: number;
  readonly step?: number;
}

/**
 * The part as a convolution that copies, since no layer only moves numbers: of the last axis a 1 × 1 convolution, of others a depthwise one with a single
 * 1 in each kernel. No steps for the whole. It has to lie inside.
 */
export function partOf(shape: Shape, { axis, from, count, step = 1 }: Part): Step[] {
  const length = shape[axis];
  if (from === 0 && count === length && step === 1) return [];
  const result = shape.map((size, at) => (at === axis ? count : size)).slice(1);
  const reshaped = (suffix: string, to: Shape): Step => ({ suffix, kind: 'reshape', attributes: { shape: to } });
  const outer = sizeOf(shape.slice(1, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  if (axis === shape.length - 1) {
    const kernel = new Float32Array(length * count);
    for (let i = 0; i < count; i++) kernel[(from + i * step) * count + i] = 1;
    const copy: Step = {
      suffix: '_part',
      kind: 'pointwiseConv2d',
      attributes: { filters: count, bias: false },
      weights: { kernel: tensor([length, count], kernel) },
    };
    if (shape.length === 4) return [{ ...copy, suffix: '' }];
    return [reshaped('_columns', [outer, 1, length]), copy, reshaped('', result)];
  }
  const taps = length - step * (count - 1);
  const isPicture = shape.length === 4;
  const along = (n: number): Pair => (isPicture && axis === 1 ? [n, 1] : [1, n]);
  const channels = isPicture ? shape[3] : inner;
  const kernel = new Float32Array(taps * channels).fill(1, from * channels, (from + 1) * channels);
  const copy: Step = {
    suffix: '_part',
    kind: 'depthwiseConv2d',
    attributes: {
      kernelSize: along(taps),
      strides: along(step),
      padding: 'valid',
      dilation: [1, 1],
      depthMultiplier: 1,
      bias: false,
    },
    weights: { kernel: tensor([...along(taps), channels, 1], kernel) },
  };
  if (isPicture) return [{ ...copy, suffix: '' }];
  return [reshaped('_rows', [outer, length, inner]), copy, reshaped('', result)];
}

/** Bytes of the kernels that `partOf` makes, to be counted before. */
export function bytesOfPart(shape: Shape, { axis, count, step = 1 }: Part): number {
  const length = shape[axis];
  const inner = shape.length === 4 ? shape[3] : sizeOf(shape.slice(axis + 1));
  return 4 * (axis === shape.length - 1 ? length * count : (length - step * (count - 1)) * inner);
}

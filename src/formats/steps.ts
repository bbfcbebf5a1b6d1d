/**
 * What one layer or operator of a file becomes: a few nodes, each of which reads the one before unless it says otherwise. What no kind of layer
 * computes by itself is composed here, for the readers of all formats.
 */
import { NetworkError } from '../errors.js';
import type { AttributesOf, LayerKind } from '../network/index.js';
import type { Pair } from '../padding.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../tensor.js';

export interface StepWeights<Weight> {
  /** Weights of one number for each channel, or of one for all. */
  readonly constants?: Readonly<Record<string, readonly number[]>>;
  /** Weights as they are, or made for the shape that the step reads, out of zeros. */
  readonly weights?: Weights<Weight> | ((input: Shape, zeros: Zeros) => Weights<Weight>);
}
type Weights<Weight> = Readonly<Record<string, Weight>>;
type Zeros = (numbers: number) => Float32Array;

interface NodeStep<Kind extends LayerKind> extends StepWeights<Tensor> {
  /** Behind the name of the whole, which the last step has itself: in networks from Keras. */
  readonly suffix?: string;
  readonly kind: Kind;
  /** Perhaps by the shape that it reads. */
  readonly attributes: AttributesOf<Kind> | ((input: Shape) => AttributesOf<Kind>);
  /** The steps whose results it reads, where it is not the one before; -1 for what the whole reads. */
  readonly reads?: readonly number[];
}
export type Step = { [Kind in LayerKind]: NodeStep<Kind> }[LayerKind];

/** The attributes for what the step reads first. */
export const attributesOf = ({ attributes }: { readonly attributes?: unknown }, input: Shape): unknown =>
  typeof attributes === 'function' ? attributes(input) : attributes;

/** Counts bytes that a reader is about to make and no file holds, which a small file can describe. Throws for too many. */
export type Charge = (bytes: number) => void;

/** For readers of formats that do not count everything that they make. In all, not for each weight. */
export function allowance(most: number): Charge {
  let left = most;
  return (bytes) => {
    left -= bytes;
    if (!(left >= 0))
      throw new NetworkError(`needs weights that are not in the file, of more than ${most} bytes in all`);
  };
}

/** What may be made of these files. */
export const allowanceOf = (files: Iterable<Uint8Array>): Charge =>
  allowance(20 * [...files].reduce((sum, { length }) => sum + length, 0) + 2 ** 20);

/** The weights that the step brings along, for what it reads first and a result of so many channels. */
export function weightsOf<Weight>(
  { weights, constants = {} }: StepWeights<Weight>,
  input: Shape,
  channels: number,
  charge: Charge,
): Record<string, Weight | Tensor> {
  const spread = Object.entries(constants).map(([weight, numbers]) => {
    charge(8 * channels);
    return [weight, forChannels(numbers, channels)] as const;
  });
  const zeros = (numbers: number) => {
    charge(4 * numbers);
    return new Float32Array(numbers);
  };
  return { ...(typeof weights === 'function' ? weights(input, zeros) : weights), ...Object.fromEntries(spread) };
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
    { kind: 'add', attributes: {}, reads: [0, 3] },
  ];
}

/** tanh(x) = 2σ(2x) − 1. */
export function tanh(): Step[] {
  return [affine('_twice', [2], [0]), { suffix: '_sigmoid', kind: 'sigmoid', attributes: {} }, affine('', [2], [-1])];
}

/** slope · x + offset, held between 0 and 1. */
export function hardSigmoid(slope: number, offset: number): Step[] {
  return [affine('_line', [slope], [offset]), { kind: 'clamp', attributes: { min: 0, max: 1 } }];
}

/** The largest number of each channel. */
export function globalMax(keepDims: boolean): Step[] {
  const wholePicture = ([, height, width]: Shape) =>
    ({ poolSize: [height, width], strides: [1, 1], padding: 'valid' }) as const;
  return [
    { suffix: keepDims ? '' : '_max', kind: 'maxPool', attributes: wholePicture },
    ...(keepDims ? [] : [{ kind: 'flatten', attributes: {} } as const]),
  ];
}

/** x · σ(factor · x), with the factor 1 SiLU too. */
export function swish(factor = 1): Step[] {
  const scaled = factor === 1 ? [] : [{ ...affine('_factor', [factor], [0]), reads: [-1] }];
  return [
    ...scaled,
    { suffix: '_sigmoid', kind: 'sigmoid', attributes: {}, reads: [scaled.length - 1] },
    { kind: 'multiply', attributes: {}, reads: [-1, scaled.length] },
  ];
}

/** The approximation of GELU by tanh, 0.5 · x · (1 + tanh(c · (x + 0.044715 · x³))) with c = √(2/π), as x · σ(2c · (x + 0.044715 · x³)). */
export function geluByTanh(): Step[] {
  const c = 2 * Math.sqrt(2 / Math.PI);
  return [
    { suffix: '_square', kind: 'multiply', attributes: {}, reads: [-1, -1] },
    affine('_slope', [0.044715 * c], [c]),
    { suffix: '_cubic', kind: 'multiply', attributes: {}, reads: [-1, 1] },
    { suffix: '_sigmoid', kind: 'sigmoid', attributes: {} },
    { kind: 'multiply', attributes: {}, reads: [-1, 3] },
  ];
}

/** x · Φ(x), the exact GELU. */
export function gelu(): Step[] {
  const steps = normalDistribution(1);
  return [...steps, { kind: 'multiply', attributes: {}, reads: [-1, steps.length - 1] }];
}

/** erf(x) = 2Φ(√2 · x) − 1. */
export function erf(): Step[] {
  return [...normalDistribution(Math.SQRT2), affine('', [2], [-1])];
}

/**
 * Φ(x) = σ(p(x)), the standard normal distribution: p is odd and smooth, and this is the polynomial of degree 13 whose error in Φ · max(1, |x|)
 * is least on [−6, 6] (7e-8, which is half a unit of float32 at 1). Beyond, Φ is 0 or 1 to 1e-9.
 */
const LOGIT_OF_NORMAL = [
  1.5957689853277475, 0.07266782268512269, -6.590952652383452e-5, -1.1055588063570958e-4, 7.946225987796642e-6,
  -2.672937085398827e-7, 3.6187259316715656e-9,
];

/** Φ(factor · x). */
function normalDistribution(factor: number): Step[] {
  const [last, ...rest] = LOGIT_OF_NORMAL.map((c, power) => c * factor ** (2 * power + 1)).reverse();
  const end = 6 / factor;
  const steps: Step[] = [
    { suffix: '_bounded', kind: 'clamp', attributes: { min: -end, max: end }, reads: [-1] },
    { suffix: '_square', kind: 'multiply', attributes: {}, reads: [0, 0] },
    affine('_power1', [last], [rest[0]]),
  ];
  // Horner's rule in x².
  for (const [index, c] of rest.slice(1).entries()) {
    steps.push(
      { suffix: `_times${index + 2}`, kind: 'multiply', attributes: {}, reads: [1, steps.length - 1] },
      affine(`_power${index + 2}`, [1], [c]),
    );
  }
  return [
    ...steps,
    { suffix: '_odd', kind: 'multiply', attributes: {}, reads: [0, steps.length - 1] },
    { suffix: '_sigmoid', kind: 'sigmoid', attributes: {} },
  ];
}

/**
 * above · x for x > 0, below · (eˣ − 1) for x ≤ 0. With s = σ(x − c), eˣ⁻ᶜ = s / (1 − s) = s · (1 + s) · (1 + s²), whose error of s⁴ is below 3e-10 for
 * c = 5.5: a number that float32 subtracts without loss where x is 0.
 */
export function elu(below: number, above = 1): Step[] {
  const c = 5.5;
  const exponential = below * Math.exp(c);
  return [
    { suffix: '_above', kind: 'relu', attributes: {}, reads: [-1] },
    { ...affine('_minus', [-1], [0]), reads: [-1] },
    { suffix: '_below', kind: 'relu', attributes: {} },
    affine('_shifted', [-1], [-c]),
    { suffix: '_sigmoid', kind: 'sigmoid', attributes: {} },
    { suffix: '_square', kind: 'multiply', attributes: {}, reads: [4, 4] },
    { suffix: '_first', kind: 'add', attributes: {}, reads: [4, 5] },
    { ...affine('_second', [1], [1]), reads: [5] },
    { suffix: '_exponential', kind: 'multiply', attributes: {}, reads: [6, 7] },
    affine('_minusOne', [exponential], [-below]),
    ...(above === 1 ? [] : [{ ...affine('_line', [above], [0]), reads: [0] }]),
    { kind: 'add', attributes: {}, reads: [above === 1 ? 0 : 10, 9] },
  ];
}

/** Of self-normalising networks (Klambauer et al. 2017), https://arxiv.org/abs/1706.02515. */
export const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 };

export const selu = (): Step[] => elu(SELU.scale * SELU.alpha, SELU.scale);

/** Times that a pixel is repeated along one axis: each is an input of a concat, of which a file could ask for any number. */
export const MOST_REPEATS = 4096;

/** Each pixel of a picture [batch, height, width, channels] so many times below and beside itself: enlarging to the nearest pixel. */
export function repeated([down, across]: Pair): Step[] {
  if (Math.max(down, across) > MOST_REPEATS) {
    throw new NetworkError(
      `enlarges a picture ${down} x ${across} times; wanted at most ${MOST_REPEATS} along each side`,
    );
  }
  const copies = (suffix: string, axis: number, times: number, of: number): Step => ({
    suffix,
    kind: 'concat',
    attributes: { axis },
    reads: Array.from({ length: times }, () => of),
  });
  // a row's copy stands behind it, as if the picture were wider; a pixel's copy behind its channels
  const rows: Step[] =
    down === 1
      ? []
      : [
          copies('_rows', 2, down, -1),
          {
            suffix: across === 1 ? '' : '_tall',
            kind: 'reshape',
            attributes: ([, H, W, C]) => ({ shape: [H * down, W / down, C] }),
          },
        ];
  const columns: Step[] =
    across === 1
      ? []
      : [
          copies('_columns', 3, across, rows.length - 1),
          { kind: 'reshape', attributes: ([, H, W, C]) => ({ shape: [H, W * across, C / across] }) },
        ];
  return [...rows, ...columns];
}

/**
 * The channels of a picture from `first` on, so many of them, those that it does not have being `value`: a 1 × 1 convolution that copies, since no layer
 * only moves channels.
 */
export function copiedChannels(channels: number, first: number, filters: number, value = 0) {
  return {
    kind: 'pointwiseConv2d',
    attributes: { filters, bias: value !== 0 },
    weights: (_: Shape, zeros: Zeros) => {
      const kernel = zeros(channels * filters);
      const bias = zeros(filters).fill(value);
      for (let filter = Math.max(0, -first); filter < filters && first + filter < channels; filter++) {
        kernel[(first + filter) * filters + filter] = 1;
        bias[filter] = 0;
      }
      return { kernel: tensor([channels, filters], kernel), ...(value !== 0 && { bias: tensor([filters], bias) }) };
    },
  } as const satisfies Step;
}

/** A picture without so many rows and columns at its borders. */
export function cropped(borders: (input: Shape) => { readonly height: Pair; readonly width: Pair }): Step[] {
  const along = (suffix: string, of: 'height' | 'width'): Step => {
    const taps = (input: Shape): Pair => {
      const [before, after] = borders(input)[of];
      return of === 'height' ? [before + after + 1, 1] : [1, before + after + 1];
    };
    return {
      suffix,
      kind: 'depthwiseConv2d',
      attributes: (input) => ({ ...COPY, kernelSize: taps(input), strides: [1, 1] }),
      weights: (input, zeros) => {
        const C = input[3];
        const kernel = zeros(sizeOf(taps(input)) * C);
        const [before] = borders(input)[of];
        return { kernel: tensor([...taps(input), C, 1], kernel.fill(1, before * C, (before + 1) * C)) };
      },
    };
  };
  return [along('_rows', 'height'), along('', 'width')];
}

/** Of a depthwise convolution whose kernels have a single 1. */
const COPY = { padding: 'valid', dilation: [1, 1], depthMultiplier: 1, bias: false } as const;

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
  const reshaped = (to: Shape): Step => ({ kind: 'reshape', attributes: { shape: to } });
  const outer = sizeOf(shape.slice(1, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  if (axis === shape.length - 1) {
    const copy: Step = {
      kind: 'pointwiseConv2d',
      attributes: { filters: count, bias: false },
      weights: (_, zeros) => {
        const kernel = zeros(length * count);
        for (let i = 0; i < count; i++) kernel[(from + i * step) * count + i] = 1;
        return { kernel: tensor([length, count], kernel) };
      },
    };
    return shape.length === 4 ? [copy] : [reshaped([outer, 1, length]), copy, reshaped(result)];
  }
  const taps = length - step * (count - 1);
  const isPicture = shape.length === 4;
  const along = (n: number): Pair => (isPicture && axis === 1 ? [n, 1] : [1, n]);
  const channels = isPicture ? shape[3] : inner;
  const copy: Step = {
    kind: 'depthwiseConv2d',
    attributes: { ...COPY, kernelSize: along(taps), strides: along(step) },
    weights: (_, zeros) => {
      const kernel = zeros(taps * channels).fill(1, from * channels, (from + 1) * channels);
      return { kernel: tensor([...along(taps), channels, 1], kernel) };
    },
  };
  return isPicture ? [copy] : [reshaped([outer, length, inner]), copy, reshaped(result)];
}

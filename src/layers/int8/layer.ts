/**
 * What every file of this folder exports: the integer form of the float layer beside it, with the bits of TensorFlow Lite's kernels.
 *
 *   forward(inputs, weights, attributes, result, rounding)
 *
 * An integer q stands for the real number scale · (q − zero point) of its tensor's type, int8 or uint8 with one scale. `result` is the type
 * that the network states for the result; `rounding` is one of the two of `fixed-point.ts`, and matters where a factor is applied. Shapes,
 * attributes and names of weights are those of the float page. Results beyond the type's integers become its least or greatest.
 */
import { ShapeError, UsageError } from '../../errors.js';
import { type IntegerArray, type QuantizedTensor, type QuantizedType, type Shape, sizeOf } from '../../tensor.js';
import { expectWeights } from '../expect.js';
import type { AttributesAlone, Layer } from '../layer.js';
import { multiplierOf, type Rounding, roundAway, scalerOf } from './fixed-point.js';

/** A tensor with one scale. */
export interface IntegerTensor extends QuantizedTensor {
  readonly type: QuantizedType;
}

export type IntegerWeights = Readonly<Record<string, QuantizedTensor>>;

export type IntegerForward<Attributes> = (
  inputs: readonly QuantizedTensor[],
  weights: IntegerWeights,
  attributes: Required<Attributes>,
  result: QuantizedType,
  rounding: Rounding,
) => IntegerTensor;

/** Writes the result into y, whose type is the wanted one. */
type Compute<Attributes> = (
  y: IntegerTensor,
  inputs: readonly IntegerTensor[],
  weights: IntegerWeights,
  attributes: Required<Attributes>,
  rounding: Rounding,
) => void;

/** A layer of 8-bit integers: checks types, shapes and weights before `compute` sees them. The result is of the inputs' integers. */
export function integerLayer<Attributes, Weights>(
  { kind, outputShape, weightShapes }: Layer<Attributes, Weights>,
  compute: Compute<Attributes>,
): IntegerForward<Attributes> {
  return (inputs, weights, attributes, result, rounding) => {
    const given = [attributes] as unknown as AttributesAlone<Attributes>;
    const shapes = inputs.map(({ shape }) => shape);
    const y = integers(outputShape(shapes, ...given), result);
    const typed = inputs.map((x) => expectBytes(kind, x));
    for (const { type } of typed) {
      if (type.type !== result.type) {
        throw new UsageError(`${kind}: an input of ${type.type} cannot give a result of ${result.type}`);
      }
    }
    compute(y, typed, expectWeights(kind, weights, weightShapes(shapes, ...given)), attributes, rounding);
    return y;
  };
}

/** A layer whose results are numbers of its input, or lie between them: both have the same scale and zero point. */
export function sameScaleLayer<Attributes, Weights>(
  layer: Layer<Attributes, Weights>,
  compute: Compute<Attributes>,
): IntegerForward<Attributes> {
  return integerLayer(layer, (y, inputs, weights, attributes, rounding) => {
    for (const x of inputs) expectSameScale(layer.kind, x.type, y.type);
    compute(y, inputs, weights, attributes, rounding);
  });
}

export function expectSameScale(kind: string, input: QuantizedType, result: QuantizedType): void {
  if (input.type !== result.type || input.scale !== result.scale || input.zeroPoint !== result.zeroPoint) {
    throw new UsageError(
      `${kind}: input and result must have the same type, scale and zero point, found ${parameters(input)} and ${parameters(result)}`,
    );
  }
}

const parameters = ({ type, scale, zeroPoint }: QuantizedType): string => `(${type}, ${scale}, ${zeroPoint})`;

const arrays = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array } as const;

/** A new tensor of this type. Its numbers are 0, which stand for the real number 0 only where the zero point is 0. */
export function integers(shape: Shape, type: QuantizedType): IntegerTensor {
  return { shape: [...shape], data: new arrays[type.type](sizeOf(shape)) as IntegerArray, type };
}

/** An input with one scale, whose numbers are stored as the type says. */
export function expectOneScale(kind: string, { shape, data, type }: QuantizedTensor): IntegerTensor {
  if (!('scale' in type)) throw new UsageError(`${kind}: wanted an input with one scale, found one for each channel`);
  const Numbers = arrays[type.type];
  if (!(data instanceof Numbers) || data.length !== sizeOf(shape)) {
    throw new ShapeError(
      `${kind}: shape [${shape}] of ${type.type} wants ${sizeOf(shape)} numbers in an ${Numbers.name}, found ${data.length} in an ${data.constructor.name}`,
    );
  }
  return { shape, data, type };
}

/** The same of int8 or uint8. */
export function expectBytes(kind: string, x: QuantizedTensor): IntegerTensor {
  if (x.type.type === 'int32') throw new UsageError(`${kind}: wanted an input of int8 or uint8, found int32`);
  return expectOneScale(kind, x);
}

/** The least and the greatest integer of the type. */
export function rangeOf({ type }: QuantizedType): readonly [least: number, greatest: number] {
  if (type === 'uint8') return [0, 255];
  return type === 'int8' ? [-128, 127] : [-(2 ** 31), 2 ** 31 - 1];
}

export const clamp = (q: number, least: number, greatest: number): number => Math.min(Math.max(q, least), greatest);

/** The integer nearest to a real number of float32, not limited to the type's range. The division is float32. */
export function nearestInteger(real: number, { scale, zeroPoint }: QuantizedType): number {
  return roundAway(Math.fround(real / scale)) + zeroPoint;
}

/** The function that gives an integer of one type the nearest of another, within its range: its distance from zero by the ratio of the scales. */
export function requantizerOf(from: QuantizedType, to: QuantizedType, rounding: Rounding): (q: number) => number {
  const scaled = scalerOf(multiplierOf(from.scale / to.scale), rounding);
  const [least, greatest] = rangeOf(to);
  return (q) => clamp(scaled(q - from.zeroPoint) + to.zeroPoint, least, greatest);
}

/** Each number of the only input by itself, through a table of all 256. */
export function byTable(y: IntegerTensor, x: IntegerTensor, of: (q: number) => number): void {
  const [least, greatest] = rangeOf(x.type);
  const table = Int32Array.from({ length: greatest - least + 1 }, (_, i) => of(least + i));
  for (let i = 0; i < y.data.length; i++) y.data[i] = table[x.data[i] - least];
}

/**
 * A function of real numbers for each of the 256 inputs there are, in float32 and with halves away from zero, as TensorFlow Lite makes its tables:
 *
 *   q_y = z_y + f(s_x · (q_x − z_x)) · (1 / s_y) rounded
 */
export function byFunction(y: IntegerTensor, x: IntegerTensor, f: (real: number) => number): void {
  const inverse = Math.fround(1 / y.type.scale);
  const [least, greatest] = rangeOf(y.type);
  byTable(y, x, (q) => {
    const result = Math.fround(f(Math.fround(x.type.scale * (q - x.type.zeroPoint))));
    return clamp(roundAway(Math.fround(result * inverse)) + y.type.zeroPoint, least, greatest);
  });
}

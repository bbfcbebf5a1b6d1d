/**
 * A tensor is a shape and the numbers in row-major order: the last axis varies fastest. Pictures and feature maps are NHWC,
 * [batch, height, width, channels]. There are no views or strides.
 *
 * Layers store float32. Given Float64Array data they store float64 instead: a layer's output has the type of its first
 * input, which is how a whole network is run in double precision.
 */
import { ShapeError } from './errors.js';

export type Shape = readonly number[];
export type FloatArray = Float32Array | Float64Array;

export interface Tensor {
  readonly shape: Shape;
  readonly data: FloatArray;
}

export type FloatType = 'float32' | 'float64';

/** One scale and zero point for a whole tensor: the integer q stands for the real number scale · (q − zeroPoint). */
export interface QuantizedType {
  readonly type: 'int8' | 'uint8' | 'int32';
  readonly scale: number;
  readonly zeroPoint: number;
}

/**
 * Weights only: one scale for each index of the axes from `axis` on, in row-major order. The zero point is 0.
 * conv2d [kernel height, kernel width, inputs, outputs] has axis 3, depthwiseConv2d [kernel height, kernel width, channels,
 * multiplier] has axis 2 (channels · multiplier scales), dense [inputs, outputs] has axis 1, a bias [outputs] has axis 0.
 */
export interface PerChannelType {
  readonly type: 'int8' | 'int32';
  readonly scales: readonly number[];
  readonly axis: number;
}

/** The type of what a node reads or makes. */
export type TensorType = FloatType | QuantizedType;

export type IntegerArray = Int8Array | Uint8Array | Int32Array;

/** Integers that stand for real numbers by their type's scale and zero point; row-major like `Tensor`. */
export interface QuantizedTensor {
  readonly shape: Shape;
  readonly data: IntegerArray;
  readonly type: QuantizedType | PerChannelType;
}

export type AnyTensor = Tensor | QuantizedTensor;

/** Number of elements: the product of the sizes (1 for a scalar's empty shape). */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A tensor from its numbers. Float arrays are kept as they are, not copied; plain numbers become float32. */
export function tensor(shape: Shape, data: FloatArray | readonly number[]): Tensor {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new ShapeError(`tensor: sizes must be whole numbers of 0 or more, found [${shape}]`);
    }
  }
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError(`tensor: shape [${shape}] wants ${sizeOf(shape)} numbers, found ${data.length}`);
  }
  return { shape: [...shape], data: ArrayBuffer.isView(data) ? (data as FloatArray) : Float32Array.from(data) };
}

/** A tensor whose numbers are worked out when they are first asked for. */
export function lateTensor(shape: Shape, numbers: () => FloatArray): Tensor {
  let known: FloatArray | undefined;
  return {
    shape,
    get data() {
      known ??= numbers();
      return known;
    },
  };
}

/** A new float32 tensor of zeros. */
export function zeros(shape: Shape): Tensor {
  return tensor(shape, new Float32Array(sizeOf(shape)));
}

/** A new tensor of zeros with the number type of `x`: every layer makes its output with this. */
export function zerosLike(x: Tensor, shape: Shape): Tensor {
  const size = sizeOf(shape);
  return tensor(shape, x.data instanceof Float64Array ? new Float64Array(size) : new Float32Array(size));
}

/** A new tensor of these numbers with the number type of `x`: float64 sums are rounded once. */
export function tensorLike(x: Tensor, shape: Shape, numbers: FloatArray): Tensor {
  return tensor(shape, x.data instanceof Float64Array ? new Float64Array(numbers) : new Float32Array(numbers));
}

/** The same numbers in double precision. */
export function toFloat64(x: Tensor): Tensor {
  return { shape: x.shape, data: Float64Array.from(x.data) };
}

/** The same numbers, each rounded to the nearest float32. */
export function toFloat32(x: Tensor): Tensor {
  return { shape: x.shape, data: Float32Array.from(x.data) };
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The shape with another size along one axis. */
export function withSize(shape: Shape, axis: number, size: number): Shape {
  return shape.map((found, i) => (i === axis ? size : found));
}

/** Position in `data` of the element at the given coordinate, e.g. [n, y, x, c]. */
export function indexOf(shape: Shape, coordinate: readonly number[]): number {
  if (coordinate.length !== shape.length || coordinate.some((at, axis) => !(at >= 0 && at < shape[axis]))) {
    throw new ShapeError(`indexOf: [${coordinate}] lies outside shape [${shape}]`);
  }
  return coordinate.reduce((index, at, axis) => index * shape[axis] + at, 0);
}

/** Coordinate of the element at the given position in `data`: the inverse of `indexOf`. */
export function coordinateOf(shape: Shape, index: number): number[] {
  const coordinate = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    coordinate[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  return coordinate;
}

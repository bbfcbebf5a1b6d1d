import { type FloatArray, type IntegerArray, type Shape, sizeOf, type Tensor } from '../tensor.js';

interface Numbers<Data extends FloatArray | IntegerArray> {
  readonly shape: Shape;
  readonly data: Data;
}

/** The tensor whose axis i is the given one's axis order[i]. */
export function transposedTensor(x: Tensor, order: readonly number[]): Tensor {
  return transposedNumbers(x, order);
}

/** The same of numbers of any type. */
export function transposedNumbers<Data extends FloatArray | IntegerArray>(
  x: Numbers<Data>,
  order: readonly number[],
): Numbers<Data> {
  const shape = order.map((axis) => x.shape[axis]);
  const strides = order.map((axis) => sizeOf(x.shape.slice(axis + 1)));
  const data = x.data.slice() as Data;
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    data[to] = x.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** Numbers whose axes lie in another order than the usual, row by row. */
import { type FloatArray, type IntegerArray, type Shape, sizeOf } from '../tensor.js';

interface Numbers<Data extends FloatArray | IntegerArray> {
  readonly shape: Shape;
  readonly data: Data;
}

/** The numbers, which may not repeat, row by row. Those of an axis lie `strides` apart. */
export function gathered<Data extends FloatArray | IntegerArray>(
  data: Data,
  shape: Shape,
  strides: readonly number[],
): Data {
  const ordered = data.slice(0, sizeOf(shape)) as Data;
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < ordered.length; to++) {
    ordered[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return ordered;
}

/** The tensor whose axis i is the given one's axis order[i]. */
export function transposed<Data extends FloatArray | IntegerArray>(
  { shape, data }: Numbers<Data>,
  order: readonly number[],
): Numbers<Data> {
  const moved = order.map((axis) => shape[axis]);
  const strides = order.map((axis) => sizeOf(shape.slice(axis + 1)));
  return { shape: moved, data: gathered(data, moved, strides) };
}

import { sizeOf, type Tensor, tensor, zerosLike } from '../tensor.js';

/** The tensor whose axis i is the given one's axis order[i]. */
export function transposedTensor(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]);
  const strides = order.map((axis) => sizeOf(x.shape.slice(axis + 1)));
  const { data } = zerosLike(x, x.shape);
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
  return tensor(shape, data);
}

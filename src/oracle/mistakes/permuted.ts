/** The numbers of a tensor in other places. */
import { coordinateOf, indexOf, type Shape, sizeOf, type Tensor } from '../../tensor.js';

/** The tensor whose element at a coordinate is that of `x` at `from` it. */
export const permuted = (x: Tensor, from: (at: readonly number[]) => readonly number[]): Tensor =>
  gathered(x, x.shape, from);

/** The same, in another shape. */
export function gathered(x: Tensor, shape: Shape, from: (at: readonly number[]) => readonly number[]): Tensor {
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = x.data[indexOf(x.shape, from(coordinateOf(shape, i)))];
  return { shape, data };
}

/** The same numbers in a row, taken to be in another order of the axes. */
export function readAs(x: Tensor, order: readonly number[]): Tensor {
  const sizes = order.map((axis) => x.shape[axis]);
  return permutedFlat(x, (at) =>
    indexOf(
      sizes,
      order.map((axis) => at[axis]),
    ),
  );
}

function permutedFlat(x: Tensor, from: (at: readonly number[]) => number): Tensor {
  return { shape: x.shape, data: Float64Array.from(x.data, (_, i) => x.data[from(coordinateOf(x.shape, i))]) };
}

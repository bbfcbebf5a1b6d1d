/**
 * Quantisation-aware training (Jacob et al., arXiv:1712.05877, section 3): the forward pass computes with the numbers that 8-bit integers can say,
 *
 *   ŵ = s · round(w / s),  s = max |w| / 127, for each output channel (in files s has fewer digits)
 *   x̂ = scale · clamp(round(x / scale), lo, hi)
 *
 * and gradients pass the rounding as if it were not there. Batch norms must have been folded: the folded kernels are what is rounded.
 */
import { roundHalfToEven } from '../../rounding.js';
import type { QuantizedType, Tensor } from '../../tensor.js';
import type { ParameterLayout } from './parameters.js';

/** The numbers scale · q, where q is a whole number from lo to hi. */
export interface Grid {
  readonly scale: number;
  readonly lo: number;
  readonly hi: number;
}

/** Of tensors, by name. */
export type Grids = ReadonlyMap<string, Grid>;

/** Of an int8 type. */
export const gridOf = ({ scale, zeroPoint }: QuantizedType): Grid => ({
  scale,
  lo: -128 - zeroPoint,
  hi: 127 - zeroPoint,
});

/** The tensor as the grid can say it; itself without one. */
export function onGrid(tensor: Tensor, grid: Grid | undefined): Tensor {
  if (grid === undefined) return tensor;
  const { scale, lo, hi } = grid;
  const rounded = (x: number): number => scale * Math.min(Math.max(roundHalfToEven(x / scale), lo), hi);
  return { ...tensor, data: tensor.data.map(rounded) };
}

/** All trainable numbers with rounded kernels. In every layout of a kernel the output channels are its last axes. */
export function quantizedKernels({ trainable }: ParameterLayout, values: Float32Array): Float32Array {
  const rounded = values.slice();
  for (const { role, shape, offset, size } of trainable) {
    if (role !== 'kernel' && role !== 'depthwiseKernel') continue;
    const channels = role === 'kernel' ? shape.at(-1)! : shape.at(-1)! * shape.at(-2)!;
    for (let o = offset; o < offset + channels; o++) {
      let largest = 0;
      for (let i = o; i < offset + size; i += channels) largest = Math.max(largest, Math.abs(values[i]));
      const scale = Math.fround(largest / 127) || 1;
      for (let i = o; i < offset + size; i += channels) rounded[i] = scale * Math.round(values[i] / scale);
    }
  }
  return rounded;
}

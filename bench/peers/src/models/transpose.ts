import type { Constant } from './steps.js';

/** Axis i of the result is axis `axes[i]` of the tensor. */
export function transpose({ shape, data }: Constant, axes: readonly number[]): Constant {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const moved = new Float32Array(data.length);
  const at = sizes.map(() => 0);
  for (let i = 0, from = 0; i < moved.length; i++) {
    moved[i] = data[from];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++at[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
  return { shape: sizes, data: moved };
}

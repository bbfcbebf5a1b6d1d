/** How a network's weights are written. */
import { UsageError } from '../errors.js';

export interface WriteOptions {
  /**
   * 'float16' halves the file: kernels are rounded to float16 (relative error at most 2⁻¹¹). Biases and batch norm, one number a channel,
   * stay as they are, since small variances do not survive it. 'int8', for .safetensors and .npz, makes it a quarter: see `int8.ts`. Default: every
   * weight as it is.
   */
  readonly kernels?: 'float16' | 'int8';
}

/** For the formats of other runtimes, to whom kernels and scales side by side mean nothing. Throws a UsageError for int8. */
export function expectFloatKernels({ kernels }: WriteOptions, format: string): void {
  if (kernels !== 'int8') return;
  throw new UsageError(
    `kernels of int8 are written as .safetensors or .npz, not as ${format}; wanted float16 or float32`,
  );
}

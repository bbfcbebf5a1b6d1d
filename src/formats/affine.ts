/** Products and sums with constants, channel by channel: what other formats have for batch norms that are not folded. */

import type { NodeOf } from '../network/index.js';
import { channelScales } from '../network/rewriting/fold-batch-norm.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Charge } from './steps.js';

/** y = scale(c) · x + shift(c) for the constant c of each channel. */
export interface Affine {
  readonly scale?: (c: number) => number;
  readonly shift?: (c: number) => number;
}

/** As a batch norm of mean 0 and variance 1. There is one constant for each of `channels`, or a single one. */
export function affineNorm(channels: number, constants: ArrayLike<number>, { scale, shift }: Affine, charge: Charge) {
  const each = (compute: (c: number) => number) => {
    charge(8 * channels);
    return tensor(
      [channels],
      Float64Array.from({ length: channels }, (_, c) => compute(constants[constants.length === 1 ? 0 : c])),
    );
  };
  return {
    attributes: { epsilon: 0, scale: scale !== undefined, center: shift !== undefined },
    weights: {
      ...(scale && { gamma: each(scale) }),
      ...(shift && { beta: each(shift) }),
      movingMean: each(() => 0),
      movingVariance: each(() => 1),
    },
  };
}

/** A batch norm as y = scale · x + shift. `weight` gives its weights by name. */
export function scaleAndShift(
  { attributes: { epsilon } }: NodeOf<'batchNorm'>,
  weight: (name: string) => Tensor | undefined,
): { scale: Tensor; shift: Tensor } {
  const beta = weight('beta')?.data;
  const scale = channelScales({ gamma: weight('gamma'), movingVariance: weight('movingVariance')! }, epsilon);
  const shift = Float64Array.from(weight('movingMean')!.data, (mean, c) => (beta?.[c] ?? 0) - mean * scale[c]);
  return { scale: tensor([scale.length], scale), shift: tensor([shift.length], shift) };
}

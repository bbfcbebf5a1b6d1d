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

/** Arithmetic with a constant. Each is told whether the constant is the first of the two; a constant divided by something is none of them. */
export const arithmetic = {
  add: () => ({ shift: (c) => c }),
  subtract: (first) => (first ? { scale: () => -1, shift: (c) => c } : { shift: (c) => -c }),
  multiply: () => ({ scale: (c) => c }),
  divide: (first) => (first ? undefined : { scale: (c) => 1 / c }),
} as const satisfies Readonly<Record<string, (first: boolean) => Affine | undefined>>;

export type Arithmetic = keyof typeof arithmetic;

/** The formula of an operation. `op` names the operator in errors. */
export const formulaOf = (operation: Arithmetic, first: boolean, op: { fail(what: string): never }): Affine =>
  arithmetic[operation](first) ?? op.fail('divides a constant by a computed tensor');

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

/** The weights of a batch norm by name, with ones and zeros for those that it does without. */
export const completeNorm = (channels: number, weight: (name: string) => Tensor | undefined) =>
  ['gamma', 'beta', 'movingMean', 'movingVariance'].map((name): [string, Tensor] => [
    name,
    weight(name) ?? tensor([channels], new Float32Array(channels).fill(name === 'gamma' ? 1 : 0)),
  ]);

/** Labelled features: what a few pictures are to a network that has learnt from many. */
import { UsageError } from '../../errors.js';
import type { Tensor } from '../../tensor.js';

export interface Example {
  /** What `embed` makes of a picture: C numbers, [C] or [1, C]. */
  readonly features: Tensor;
  readonly label: string;
}

/** The labels in the order in which they first occur. */
export const labelsOf = (examples: readonly Example[]): string[] => [...new Set(examples.map(({ label }) => label))];

/** C, once all examples have it. Throws a UsageError for no examples, for other shapes, and for numbers that are none. */
export function expectExamples(examples: readonly Example[]): number {
  if (examples.length === 0) throw new UsageError('training: found no examples; wanted features and labels');
  const C = channelsOf(examples[0].features, 'example 0');
  for (const [n, { features, label }] of examples.entries()) {
    const found = channelsOf(features, `example ${n}`);
    if (found !== C) throw new UsageError(`training: example ${n} has ${found} features, example 0 has ${C}`);
    if (typeof label !== 'string') {
      throw new UsageError(`training: example ${n} has the label ${label}; wanted a string`);
    }
    if (!features.data.every(Number.isFinite)) {
      throw new UsageError(`training: example ${n} ('${label}') has a feature that is no finite number`);
    }
  }
  return C;
}

/** C of [C] or [1, C]. */
export function channelsOf({ shape }: Tensor, what: string): number {
  const C = shape.at(-1);
  if (C === undefined || C < 1 || shape.length > 2 || (shape.length === 2 && shape[0] !== 1)) {
    throw new UsageError(`training: ${what} has features [${shape}]; wanted those of one picture, [1, channels]`);
  }
  return C;
}

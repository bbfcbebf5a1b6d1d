/**
 * Mistakes that backends make, each as the network that such a backend computes in place of the right one. `../cause.ts` computes a wrong layer
 * again under each and sees which one gives the backend's numbers.
 */
import type { Segment } from '../segment.js';
import { ofActivations } from './activations.js';
import { ofBatchNorms } from './batch-norms.js';
import { ofBiases, ofKernels } from './kernels.js';
import type { Mistake } from './mistake.js';
import { ofAdditions, ofOtherLayers, ofPools, ofReductions } from './other-layers.js';
import { ofOutputs } from './outputs.js';
import { ofWindows } from './windows.js';

export type { Mistake } from './mistake.js';

/** All mistakes that these layers allow, each made in every layer of the segment that allows it. */
export function* mistakesOf(segment: Segment): Generator<Mistake> {
  yield* ofWindows(segment);
  yield* ofKernels(segment);
  yield* ofBiases(segment);
  yield* ofBatchNorms(segment);
  yield* ofActivations(segment);
  yield* ofAdditions(segment);
  yield* ofPools(segment);
  yield* ofReductions(segment);
  yield* ofOtherLayers(segment);
  yield* ofOutputs(segment);
}

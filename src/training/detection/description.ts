/** By what the checkpoint of a detector's training knows its own run. */
import { type Network, toJson } from '../../network/index.js';
import type { Description } from '../loop/checkpoint.js';
import { fingerprint } from '../loop/fingerprint.js';
import type { BoxedExample } from './boxed-examples.js';
import type { DetectorRecipe } from './train-detector.js';

/** `heldBack` is the part of the pictures that is. The base's maps are no part of the state: its weights must be the same. */
export function detectorDescription(
  base: Network,
  examples: readonly BoxedExample[],
  recipe: DetectorRecipe & { readonly heldBack: number; readonly labels: readonly string[] },
): Description {
  const boxes = new TextEncoder().encode(JSON.stringify(examples.map(({ objects }) => objects)));
  const weights = [...base.weights.values()].map(({ data }) => data);
  return {
    recipe,
    network: toJson(base),
    data: { name: `boxes ${fingerprint([boxes])}`, pictures: examples.length },
    weights: fingerprint(weights),
  };
}

/** The layer whose output is a picture's features. */
import { UsageError } from '../errors.js';
import { embeddingLayer } from '../network/heads.js';
import type { Network } from '../network/index.js';

/** Name of the layer that `embed` reads where none is named. Throws a UsageError where there is none. */
export function featuresLayer(task: string, network: Network): string {
  const layer = embeddingLayer(network);
  if (layer !== undefined) return layer;
  throw new UsageError(`${task}: ${network.name} has no classifier whose input would be the features; name a layer`);
}

/** Rewrite: the same network for pictures of another size. */
import { NetworkError } from '../errors.js';
import type { Pair } from '../padding.js';
import type { Conventions, CropRule } from './conventions.js';
import type { Network } from './network.js';
import { inferShapes } from './shapes.js';
import { withWeights } from './weights.js';

/**
 * The network for pictures of another [height, width]: its inputs and its preprocessing. The weights stay. Throws a ShapeError where a
 * layer cannot take the new size, a NetworkError where its weights cannot, as those of a dense layer after flatten.
 */
export function atResolution(network: Network, size: Pair): Network {
  const [height, width] = size;
  const inputs = network.inputs.map(({ name, shape }) => {
    if (shape.length !== 4) {
      throw new NetworkError(
        `${network.name}: input '${name}' of shape [${shape.join(', ')}] is no picture, and has no resolution`,
      );
    }
    return { name, shape: [shape[0], height, width, shape[3]] };
  });
  const { preprocessing } = network.conventions;
  const conventions: Conventions = preprocessing
    ? {
        ...network.conventions,
        preprocessing: { ...preprocessing, size, crop: scaledCrop(preprocessing.crop, preprocessing.size, size) },
      }
    : network.conventions;
  const resized: Network = { ...network, inputs, conventions };
  const shapes = inferShapes(resized);
  return network.weights.size === 0 ? resized : withWeights(resized, network.weights, shapes);
}

/** A shorter side stated for one size grows with it, as the presets do: 256 for 224 is 182 for 160. */
function scaledCrop(crop: CropRule, from: Pair, to: Pair): CropRule {
  if (crop.kind !== 'shorter-side') return crop;
  return { kind: 'shorter-side', side: Math.floor((crop.side * Math.max(...to)) / Math.max(...from)) };
}

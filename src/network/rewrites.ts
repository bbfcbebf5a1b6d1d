/** Small rewrites of a network, pure functions Network -> Network. Folding of batch norm has a file of its own. */
import { NetworkError } from '../errors.js';
import type { Pair } from '../padding.js';
import type { Conventions, CropRule } from './conventions.js';
import type { Network, NetworkNode } from './network.js';
import { inferShapes, wantedWeights } from './shapes.js';

/**
 * The part of the network that these tensors need, with them as its outputs: `run` then computes no layer after them. What their
 * numbers mean is 'features' unless the outputs are the network's own.
 */
export function withOutputs(network: Network, outputs: readonly string[]): Network {
  const made = new Map(network.nodes.map((node) => [node.name, node]));
  const needed = new Set<NetworkNode>();
  const unknown = outputs.find((name) => !made.has(name));
  if (unknown !== undefined) throw new NetworkError(`${network.name}: there is no layer '${unknown}'`);
  const waiting = [...outputs];
  while (waiting.length > 0) {
    const node = made.get(waiting.pop()!);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    waiting.push(...node.inputs);
  }
  const nodes = network.nodes.filter((node) => needed.has(node));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const inputs = network.inputs.filter(({ name }) => read.has(name));
  const part: Network = { ...network, inputs, nodes, outputs, weights: new Map() };
  const wanted = wantedWeights(part);
  const same = outputs.length === network.outputs.length && outputs.every((name) => network.outputs.includes(name));
  return {
    ...part,
    weights: new Map([...network.weights].filter(([name]) => wanted.has(name))),
    conventions: same ? network.conventions : featuresOnly(network.conventions),
  };
}

function featuresOnly({ source, preprocessing }: Conventions): Conventions {
  return { source, output: 'features', ...(preprocessing && { preprocessing }) };
}

/**
 * The network for pictures of another [height, width]: its inputs and its preprocessing. The weights stay. Throws a ShapeError where a
 * layer cannot take the new size, as a dense layer after flatten.
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
  inferShapes(resized);
  return resized;
}

/** A shorter side stated for one size grows with it, as the presets do: 256 for 224 is 182 for 160. */
function scaledCrop(crop: CropRule, from: Pair, to: Pair): CropRule {
  if (crop.kind !== 'shorter-side') return crop;
  return { kind: 'shorter-side', side: Math.floor((crop.side * Math.max(...to)) / Math.max(...from)) };
}

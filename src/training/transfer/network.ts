/** The network to be trained: the architecture, with what the data says of it. */
import { NetworkError, UsageError } from '../../errors.js';
import { inferShapes, type Network, type NetworkNode, type Preprocessing } from '../../network/index.js';
import { layerOf } from '../../network/shapes.js';
import { channelStatistics, type Dataset, pictureSize } from '../data/dataset.js';

export interface TrainingNetworkOptions {
  /** Rate of the dropout before the classifier. Default: what the architecture has. */
  readonly dropout?: number;
  /** How pictures are prepared. Default: `standardised`. */
  readonly preprocessing?: Preprocessing;
}

/** Its conventions say the classes and the preprocessing. Throws a UsageError where the network has not one output for each class. */
export function trainingNetwork(network: Network, data: Dataset, options: TrainingNetworkOptions = {}): Network {
  const classifier = classifierOf(network);
  const units = inferShapes(network).get(classifier.name)!.at(-1);
  if (units !== data.classes.length) {
    throw new UsageError(`${network.name} has ${units} outputs, ${data.name} has ${data.classes.length} classes`);
  }
  const { preprocessing = standardised(data, network.inputs[0].shape.at(-1)) } = options;
  const { assumed: _, ...others } = network.conventions;
  const conventions = { ...others, labelOffset: 0 as const, labels: data.classes, preprocessing };
  const prepared = { ...network, conventions };
  return options.dropout === undefined ? prepared : withDropout(prepared, options.dropout);
}

/** The last layer that sums over all channels of a position. */
function classifierOf({ name, nodes }: Network): NetworkNode {
  const last = nodes.filter((node) => layerOf(node).kernel === 'IO').at(-1);
  if (last === undefined) throw new NetworkError(`${name}: has no classifier, wanted a dense or pointwise layer`);
  return last;
}

/** Cropped and resized as the data is, each channel to mean 0 and deviation 1 over the data. */
export function standardised(data: Dataset, channels = 3): Preprocessing {
  const values = { scale: 1 / 255, ...channelStatistics(data, channels) };
  return { ...data.sizing, size: pictureSize(data), channels: channels === 1 ? 'grey' : 'rgb', ...values };
}

/** With dropout of this rate: in the architecture's own dropout layer, or one before the classifier where it has none. */
function withDropout(network: Network, rate: number): Network {
  if (!(rate >= 0 && rate < 1)) throw new UsageError(`training: dropout must be at least 0 and below 1, found ${rate}`);
  const classifier = classifierOf(network);
  const hasOwn = network.nodes.some(({ kind }) => kind === 'dropout');
  const nodes = network.nodes.flatMap((node): NetworkNode[] => {
    if (node.kind === 'dropout') return [{ ...node, attributes: { rate } }];
    if (node !== classifier || hasOwn) return [node];
    const dropout = {
      name: `${node.name}_dropout`,
      kind: 'dropout',
      inputs: node.inputs,
      attributes: { rate },
    } as const;
    return [dropout, { ...node, inputs: [dropout.name] }];
  });
  return { ...network, nodes };
}

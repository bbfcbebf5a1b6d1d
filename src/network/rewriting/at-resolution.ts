/** Rewrite: the same network for pictures of another size. */
import { NetworkError } from '../../errors.js';
import { keepsPixels } from '../../layers/layer.js';
import type { Pair } from '../../padding.js';
import type { Shape } from '../../tensor.js';
import { ssdAnchors } from '../anchors.js';
import type { Conventions, CropRule, DetectionConventions } from '../conventions.js';
import { nodeBehind, readersOf } from '../graph.js';
import type { Network, NetworkInput, NetworkNode, NodeOf } from '../network.js';
import { atNode, inferShapes, inputShapesOf, layerOf } from '../shapes.js';
import { withWeights } from '../weights.js';

/**
 * The network for pictures of another [height, width]: its inputs, its preprocessing, and the sizes that its layers state only because
 * the pictures had the old one (`sizedNodes`). The weights stay. A detector gets the anchors of the new size. Throws a ShapeError where a layer cannot take the new size, a
 * NetworkError where its weights cannot, as those of a dense layer after flatten.
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
        ...resizedDetection(network, size),
      }
    : network.conventions;
  const resized: Network = { ...network, inputs, nodes: sizedNodes(network, inputs), conventions };
  const shapes = inferShapes(resized);
  return network.weights.size === 0 ? resized : withWeights(resized, network.weights, shapes);
}

/** A file stores anchors in bytes: off by up to half a step of its scale. */
const ANCHOR_TOLERANCE = 0.0033;

/** Anchors by SSD's formula, where the network's own are those of its size. Throws a NetworkError for anchors of another making. */
function resizedDetection({ name, inputs, conventions }: Network, size: Pair): { detection?: DetectionConventions } {
  const { detection } = conventions;
  const [, height, width] = inputs[0].shape;
  if (detection === undefined || (height === size[0] && width === size[1])) return {};
  const known = ssdAnchors([height, width]).data;
  const { anchors } = detection;
  const isSsd = known.length === anchors.length && known.every((n, i) => Math.abs(n - anchors[i]) <= ANCHOR_TOLERANCE);
  if (isSsd) return { detection: { ...detection, anchors: Array.from(ssdAnchors(size).data) } };
  throw new NetworkError(
    `${name}: its ${anchors.length / 4} anchors are not those of Google's SSD for ${height}×${width}, so that nothing tells which they are for ${size.join('×')}`,
  );
}

/** A shorter side stated for one size grows with it, as the presets do: 256 for 224 is 182 for 160. */
function scaledCrop(crop: CropRule, from: Pair, to: Pair): CropRule {
  if (crop.kind !== 'shorter-side') return crop;
  return { kind: 'shorter-side', side: Math.floor((crop.side * Math.max(...to)) / Math.max(...from)) };
}

type Resize = NodeOf<'resizeBilinear'>;
type Pool = NodeOf<'averagePool'>;

/**
 * The nodes with the sizes that follow from the inputs' new ones. Two kinds of layer state a size in pixels:
 *
 *   a resize            back to another tensor's size, as a decoder's: it follows that tensor. By a whole factor: the factor stays. A
 *                       resize of the picture itself makes what the network wants of any picture: it stays.
 *   an average pool     over a whole map whose result is resized (DeepLab's image pooling): it stays one over the whole map
 */
function sizedNodes(network: Network, inputs: readonly NetworkInput[]): NetworkNode[] {
  const { nodes } = network;
  if (!nodes.some(({ kind }) => kind === 'resizeBilinear')) return [...nodes];
  const before = inferShapes(network);
  const after = new Map<string, Shape>(inputs.map(({ name, shape }) => [name, shape]));
  const pools = imagePools(network, before);
  return nodes.map((node) => {
    const sized =
      node.kind === 'resizeBilinear'
        ? { ...node, attributes: { ...node.attributes, size: sizeAfter(network, node, before, after) } }
        : pools.has(node.name)
          ? ({ ...node, attributes: { ...node.attributes, poolSize: sizeOfMap(after, node.inputs[0]) } } as Pool)
          : node;
    const shapes = inputShapesOf(sized, after);
    after.set(
      node.name,
      atNode(sized, () => layerOf(sized).outputShape(shapes, sized.attributes)),
    );
    return sized;
  });
}

/** [height, width] of a feature map. */
function sizeOfMap(shapes: ReadonlyMap<string, Shape>, name: string): Pair {
  const [, height, width] = shapes.get(name)!;
  return [height, width];
}

const isSize = ([, height, width, channels]: Shape, size: Pair): boolean =>
  channels !== undefined && height === size[0] && width === size[1];

const leavesPixels = (node: NetworkNode): boolean => keepsPixels(layerOf(node));

function imagePools(network: Network, shapes: ReadonlyMap<string, Shape>): Set<string> {
  const pools = network.nodes
    .filter((node) => node.kind === 'resizeBilinear')
    .map(({ inputs: [input] }) => {
      const node = nodeBehind(network, input, leavesPixels);
      const isWhole =
        node?.kind === 'averagePool' &&
        isSize(shapes.get(node.inputs[0])!, node.attributes.poolSize) &&
        isSize(shapes.get(node.name)!, [1, 1]);
      return isWhole ? [node.name] : [];
    });
  return new Set(pools.flat());
}

function sizeAfter(
  network: Network,
  node: Resize,
  before: ReadonlyMap<string, Shape>,
  after: ReadonlyMap<string, Shape>,
): Pair {
  const { size } = node.attributes;
  const [input] = node.inputs;
  if (isPicture(network, input)) return size;
  const like = [...companions(network, node), ...[...after.keys()].reverse()].find(
    (name) => after.has(name) && isSize(before.get(name)!, size),
  );
  if (like !== undefined) return sizeOfMap(after, like);
  const from = sizeOfMap(before, input);
  const to = sizeOfMap(after, input);
  const [rows, columns] = [size[0] / from[0], size[1] / from[1]];
  return Number.isInteger(rows) && Number.isInteger(columns) ? [rows * to[0], columns * to[1]] : size;
}

/** Whether the tensor is a picture as it was fed, at most scaled. */
function isPicture(network: Network, name: string): boolean {
  const scales = ({ kind }: NetworkNode) => kind === 'batchNorm' || kind === 'dropout' || kind === 'pad';
  return nodeBehind(network, name, scales) === undefined;
}

/** The tensors that are added to the resized one, or joined with it, perhaps after layers that leave pixels where they are. */
function companions({ nodes }: Network, { name }: NetworkNode): string[] {
  const readers = readersOf(nodes, ({ inputs }) => inputs);
  const found: string[] = [];
  for (const tensors = [name]; tensors.length > 0; ) {
    for (const reader of readers.get(tensors.pop()!) ?? []) {
      if (leavesPixels(reader)) tensors.push(reader.name);
      else if (layerOf(reader).takes === 'several') found.push(...reader.inputs);
    }
  }
  return found;
}

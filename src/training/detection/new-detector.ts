/**
 * A detector for new classes on a trained network. Of a detector, only the last convolution of each head is new: those of the boxes begin with its own
 * weights, since a box is a box whatever is in it. Of a classifier, all that SSD has behind the backbone is new: the extra maps and the heads.
 *
 *   pictures ─ front, which stays ─ maps ─ tail, which learns ─ codes and logits of each map
 */
import { NetworkError } from '../../errors.js';
import { SSD_EXTRAS } from '../../models/ssd.js';
import { SSD_SCALES, SSD_SHAPES, SSD_SUPPRESSION, ssdAnchors } from '../../network/anchors.js';
import { nodeNamed } from '../../network/graph.js';
import {
  type DetectionConventions,
  inferShapes,
  type Network,
  NetworkBuilder,
  type NetworkNode,
  withOutputs,
} from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { type Tensor, tensor } from '../../tensor.js';
import { initialWeights } from '../step/initial-weights.js';

export interface NewDetector {
  /** The base's name. */
  readonly base: string;
  /** From a picture to the maps, by their names in the base. */
  readonly front: Network;
  /** From the maps to what the convolutions of the heads yield: for each map boxes, then classes. */
  readonly tail: Network;
  readonly labels: readonly string[];
  readonly anchors: readonly number[];
  readonly scales: DetectionConventions['scales'];
}

/** The share of anchors that a head takes for an object before it has learnt anything (Lin et al., arXiv:1708.02002 §4.1). */
const PRIOR = 0.01;

/** For objects with these labels. The base is a detector, whose maps and box heads are taken over, or a classifier's backbone. */
export function newDetector(base: Network, labels: readonly string[], seed: number): NewDetector {
  const { detection } = base.conventions;
  return detection === undefined ? onClassifier(base, labels, seed) : onDetector(base, detection, labels, seed);
}

function onDetector(
  base: Network,
  detection: DetectionConventions,
  labels: readonly string[],
  seed: number,
): NewDetector {
  const boxes = lastConvolutions(base, detection.codes);
  const classes = lastConvolutions(base, detection.scores);
  if (boxes.length !== classes.length) {
    throw new NetworkError(
      `${base.name}: wanted as many heads for boxes as for classes, found ${boxes.length} and ${classes.length}`,
    );
  }
  const front = withOutputs(base, [...new Set([...boxes, ...classes].map(({ inputs }) => inputs[0]))]);
  const net = new NetworkBuilder();
  addInputs(net, front);
  const outputs = boxes.flatMap((box, index) => {
    const shapes = anchorsOf(box) / 4;
    return [
      addLike(net, headName(index, 'BoxEncodingPredictor'), box, shapes * 4),
      addLike(net, headName(index, 'ClassPredictor'), classes[index], shapes * (labels.length + 1)),
    ];
  });
  const tail = net.build(`heads of ${base.name}`, outputs, { source: 'other', output: 'features' });
  const weights = new Map(initial(tail, labels.length + 1, seed));
  boxes.forEach(({ name }, index) => {
    for (const part of ['kernel', 'bias']) {
      const own = base.weights.get(weightName(name, part));
      if (own) weights.set(weightName(headName(index, 'BoxEncodingPredictor'), part), own);
    }
  });
  const { anchors, scales } = detection;
  return { base: base.name, front, tail: { ...tail, weights }, labels, anchors, scales };
}

/** The two last maps of the backbone, of an eighth of the first's area each, and four more made of them (SSD with pointwise heads). */
function onClassifier(base: Network, labels: readonly string[], seed: number): NewDetector {
  const taps = [16, 32].map((stride) => lastOfStride(base, stride));
  const front = withOutputs(base, taps);
  const net = new NetworkBuilder();
  addInputs(net, front);
  const maps = [...taps];
  SSD_EXTRAS.forEach(({ c, s }, index) => {
    const narrow = net.add(`extra_${index}/narrow`, 'pointwiseConv2d', maps[maps.length - 1], {
      filters: c / 2,
      bias: true,
    });
    const x = net.add(`extra_${index}/narrow/Relu6`, 'relu6', narrow);
    const wide = net.add(`extra_${index}`, 'conv2d', x, {
      filters: c,
      kernelSize: [3, 3],
      strides: [s, s],
      bias: true,
    });
    maps.push(net.add(`extra_${index}/Relu6`, 'relu6', wide));
  });
  const outputs = maps.flatMap((map, index) => {
    const shapes = SSD_SHAPES[index].length;
    const head = (name: string, filters: number) =>
      net.add(headName(index, name), 'pointwiseConv2d', map, { filters, bias: true });
    return [head('BoxEncodingPredictor', shapes * 4), head('ClassPredictor', shapes * (labels.length + 1))];
  });
  const tail = net.build(`detector on ${base.name}`, outputs, { source: 'other', output: 'features' });
  const [, height, width] = base.inputs[0].shape;
  return {
    base: base.name,
    front,
    tail: { ...tail, weights: initial(tail, labels.length + 1, seed) },
    labels,
    anchors: Array.from(ssdAnchors([height, width]).data),
    scales: SSD_SCALES,
  };
}

const headName = (index: number, predictor: string): string => `NewPredictor_${index}/${predictor}`;

/** Layers between a head's last convolution and the network's output; quantised files clamp what a convolution yields. */
const BEHIND_HEADS: ReadonlySet<string> = new Set(['reshape', 'flatten', 'concat', 'sigmoid', 'softmax', 'clamp']);

/** Convolutions whose answers become this output by reshaping, joining and squashing, in the order in which they are joined. */
function lastConvolutions(network: Network, output: string): NetworkNode[] {
  const node = nodeNamed(network, output);
  if (node === undefined) throw new NetworkError(`${network.name}: '${output}' leads back to an input, and to no head`);
  if (node.kind === 'conv2d' || node.kind === 'pointwiseConv2d') return [node];
  if (!BEHIND_HEADS.has(node.kind)) {
    throw new NetworkError(
      `${network.name}: wanted convolutions as heads, joined and reshaped; found '${node.name}' (${node.kind})`,
    );
  }
  return node.inputs.flatMap((input) => lastConvolutions(network, input));
}

const anchorsOf = (box: NetworkNode): number => (box.attributes as { readonly filters: number }).filters;

function addLike(net: NetworkBuilder, name: string, like: NetworkNode, filters: number): string {
  const attributes = { ...like.attributes, filters, bias: true };
  return net.add(name, like.kind as 'conv2d', like.inputs[0], attributes as never);
}

function addInputs(net: NetworkBuilder, front: Network): void {
  const shapes = inferShapes(front);
  for (const name of front.outputs) net.input(name, [...shapes.get(name)!]);
}

/** Name of the last map whose sides are those of the input by `stride`, rounded up. */
function lastOfStride(base: Network, stride: number): string {
  const [, height, width] = base.inputs[0].shape;
  const shapes = inferShapes(base);
  const side = (pixels: number) => Math.ceil(pixels / stride);
  const found = base.nodes.filter(({ name }) => {
    const shape = shapes.get(name)!;
    return shape.length === 4 && shape[1] === side(height) && shape[2] === side(width) && shape[1] * shape[2] > 1;
  });
  const last = found.at(-1);
  if (last !== undefined) return last.name;
  throw new NetworkError(
    `${base.name}: wanted a detector, or a backbone with maps of stride 16 and 32; found no map of ${side(height)} × ${side(width)} for its ${height} × ${width}`,
  );
}

/** Random, but for the biases of classes, with which every anchor is background. */
function initial(tail: Network, slots: number, seed: number): Map<string, Tensor> {
  const { weights } = initialWeights(tail, seed);
  const surely = Math.log((1 - PRIOR) / PRIOR);
  return new Map(
    [...weights].map(([name, weight]) => {
      if (!name.endsWith('/ClassPredictor/bias')) return [name, weight];
      return [
        name,
        tensor(
          weight.shape,
          weight.data.map((_, at) => (at % slots === 0 ? surely : -surely)),
        ),
      ];
    }),
  );
}

/** The tail from maps to 'codes' and 'scores', as a network that `detect` knows. */
export function answeringTail({ tail, labels, anchors, scales }: NewDetector, weights = tail.weights): Network {
  const net = NetworkBuilder.from(tail);
  const rows = (outputs: readonly string[], length: number) =>
    outputs.map((output) => net.add(`${output}/rows`, 'reshape', output, { shape: [-1, length] }));
  const boxes = rows(
    tail.outputs.filter((_, at) => at % 2 === 0),
    4,
  );
  const classes = rows(
    tail.outputs.filter((_, at) => at % 2 === 1),
    labels.length + 1,
  );
  const codes = net.add('new/codes', 'concat', boxes, { axis: 1 });
  const scores = net.add('new/scores', 'sigmoid', net.add('new/logits', 'concat', classes, { axis: 1 }));
  const network = net.build(tail.name, [codes, scores], {
    source: 'other',
    output: 'features',
    labels,
    detection: {
      codes,
      scores,
      background: 'slot 0',
      anchors,
      scales,
      suppression: { ...SSD_SUPPRESSION, scoreThreshold: 0.01 },
    },
  });
  return { ...network, weights };
}

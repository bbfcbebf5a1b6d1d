/** Layers by themselves, for the suite of layers: in odd sizes, in sizes of vectors, and as MobileNet has them. */
import { mobilenetV1, mobilenetV2 } from '../models/index.js';
import {
  type AttributesOf,
  inferShapes,
  type LayerKind,
  type Network,
  NetworkBuilder,
  type NetworkNode,
} from '../network/index.js';
import { inputShapesOf, layerOf } from '../network/shapes.js';
import type { Padding, Pair } from '../padding.js';
import type { Shape } from '../tensor.js';

/** A network of one layer, without weights. */
export interface SingleLayer {
  readonly name: string;
  readonly network: Network;
}

const even: Shape = [1, 8, 6, 5];
const odd: Shape = [1, 7, 5, 6];

export function oddLayers(): SingleLayer[] {
  const window = (strides: Pair, padding: Padding, kernelSize: Pair = [3, 3], dilation: Pair = [1, 1]) => ({
    kernelSize,
    strides,
    dilation,
    padding,
  });
  const around = { top: 1, bottom: 1, left: 1, right: 1 };
  const pool = { poolSize: [3, 2] as Pair, strides: [2, 2] as Pair };
  const conv = { filters: 7, bias: true };
  const deep = { depthMultiplier: 1, bias: true };
  return [
    layer('conv2d', [even], { ...conv, ...window([1, 1], 'same') }),
    layer('conv2d', [even], { ...conv, ...window([2, 2], 'same') }, 'stride-2-even'),
    layer('conv2d', [odd], { ...conv, ...window([2, 2], 'same') }, 'stride-2-odd'),
    layer('conv2d', [odd], { ...conv, ...window([2, 1], around, [3, 2]) }, 'explicit-padding'),
    layer('conv2d', [odd], { ...conv, ...window([1, 1], 'valid', [2, 3]), bias: false }, 'valid'),
    layer('conv2d', [even], { ...conv, ...window([1, 1], 'same', [3, 3], [2, 2]) }, 'dilated'),
    layer('conv2d', [odd], { ...conv, ...window([2, 2], 'same', [1, 1]) }, 'kernel-below-stride'),
    layer('depthwiseConv2d', [even], { ...deep, ...window([1, 1], 'same') }),
    layer('depthwiseConv2d', [even], { ...deep, ...window([2, 2], 'same') }, 'stride-2-even'),
    layer('depthwiseConv2d', [odd], { ...deep, ...window([2, 2], 'same') }, 'stride-2-odd'),
    layer('depthwiseConv2d', [even], { ...deep, ...window([2, 2], around) }, 'explicit-padding'),
    layer('depthwiseConv2d', [odd], { ...deep, ...window([1, 1], 'same', [3, 3], [2, 2]) }, 'dilated'),
    layer('depthwiseConv2d', [odd], { depthMultiplier: 3, bias: true, ...window([1, 1], 'same') }, 'depth-multiplier'),
    layer('depthwiseConv2d', [even], { depthMultiplier: 1, bias: false, ...window([1, 1], 'same', [5, 5]) }, '5x5'),
    layer('pointwiseConv2d', [odd], conv),
    layer('pointwiseConv2d', [[1, 3, 3, 257]], { filters: 3, bias: false }, 'long-sum'),
    layer('dense', [[1, 300]], { units: 9, bias: true }),
    layer('batchNorm', [even], { epsilon: 1e-3, scale: true, center: true }),
    layer('batchNorm', [odd], { epsilon: 1e-5, scale: false, center: false }, 'statistics-alone'),
    layer('relu', [odd], {}),
    layer('relu6', [odd], {}),
    layer('clamp', [odd], { min: -0.7, max: 1.3 }),
    layer('sigmoid', [odd], {}),
    layer('softmax', [[1, 21]], {}),
    layer('add', [odd, odd], {}),
    layer('add', [even, even, even], {}, 'three'),
    layer('concat', [odd, [1, 7, 5, 3]], { axis: -1 }),
    layer('pad', [odd], { padding: { top: 0, bottom: 1, left: 2, right: 3 }, value: 0 }),
    layer('averagePool', [odd], { ...pool, padding: 'same', includePadding: false }),
    layer('averagePool', [odd], { ...pool, padding: around, includePadding: true }, 'include-padding'),
    layer('maxPool', [odd], { ...pool, padding: 'same' }),
    layer('globalAveragePool', [odd], { keepDims: false }),
    layer('globalAveragePool', [even], { keepDims: true }, 'keep-dims'),
    layer('flatten', [odd], {}),
    layer('reshape', [odd], { shape: [5, -1] }),
    layer('dropout', [odd], { rate: 0.2 }),
    layer('resizeBilinear', [odd], { size: [10, 3], rule: 'half-pixel' }, 'half-pixel'),
    layer('resizeBilinear', [even], { size: [13, 11], rule: 'tf1-legacy' }, 'legacy'),
    layer('resizeBilinear', [even], { size: [15, 11], rule: 'tf1-align-corners' }, 'align-corners'),
    layer('argMax', [odd], {}),
  ];
}

/** The layer by itself, called by its kind; a problem is called by kind and variant. */
export function layer<Kind extends LayerKind>(
  kind: Kind,
  inputs: readonly Shape[],
  attributes: AttributesOf<Kind>,
  variant?: string,
): SingleLayer {
  const net = new NetworkBuilder();
  const names = inputs.map((shape, i) => net.input(inputs.length === 1 ? 'input' : `input_${i}`, shape));
  const name = variant === undefined ? kind : `${kind}-${variant}`;
  return { name, network: net.build(name, [net.add(kind, kind, names, attributes)], CONVENTIONS) };
}

const CONVENTIONS = { source: 'other', output: 'features' } as const;

/** Channels around the widths of vectors and tiles. */
export const vectorChannels = [4, 8, 16, 32, 64].flatMap((width) => [width - 1, width, width + 1]);

/** Every kind that computes, with each of these numbers of channels, for two pictures. */
export function vectorLayers(): SingleLayer[] {
  const around = { dilation: [1, 1], padding: 'same', kernelSize: [3, 3], bias: true } as const;
  return vectorChannels.flatMap((channels, index) => {
    const x: Shape = [2, 6, 7, channels];
    // Each number of filters once, too: multiples of 4 from such, and from one more or less.
    const alike = vectorChannels[(index * 7 + 6) % vectorChannels.length];
    const unlike = vectorChannels[(index * 7 + 4) % vectorChannels.length];
    return [
      ...[alike, unlike].flatMap((filters) => [
        layer('conv2d', [x], { ...around, filters, strides: [1, 1] }, `${channels}-to-${filters}`),
        layer('pointwiseConv2d', [x], { filters, bias: true }, `${channels}-to-${filters}`),
      ]),
      layer('conv2d', [x], { ...around, filters: alike, strides: [2, 2] }, `${channels}-to-${alike}-stride-2`),
      layer('depthwiseConv2d', [x], { ...around, depthMultiplier: 1, strides: [1, 1] }, `${channels}`),
      layer('depthwiseConv2d', [x], { ...around, depthMultiplier: 1, strides: [2, 2] }, `${channels}-stride-2`),
      layer('dense', [[2, channels]], { units: unlike, bias: true }, `${channels}-to-${unlike}`),
      layer('batchNorm', [x], { epsilon: 1e-3, scale: true, center: true }, `${channels}`),
      layer('relu6', [x], {}, `${channels}`),
      layer('add', [x, x], {}, `${channels}`),
      layer('concat', [x, [2, 6, 7, unlike]], { axis: -1 }, `${channels}-and-${unlike}`),
      layer(
        'averagePool',
        [x],
        { poolSize: [3, 3], strides: [2, 2], padding: 'same', includePadding: false },
        `${channels}`,
      ),
      layer('maxPool', [x], { poolSize: [3, 3], strides: [2, 2], padding: 'same' }, `${channels}`),
      layer('globalAveragePool', [x], { keepDims: false }, `${channels}`),
      layer('softmax', [[2, channels]], {}, `${channels}`),
    ];
  });
}

/** The distinct layers of V1 and V2, by kind, attributes and shapes of inputs, as Keras has them: called by their shapes. */
export function mobilenetLayers(): SingleLayer[] {
  const found = new Map<string, SingleLayer>();
  for (const network of [mobilenetV1(), mobilenetV2()]) {
    const shapes = inferShapes(network);
    for (const node of network.nodes) {
      const inputs = inputShapesOf(node, shapes);
      const { attributes } = node;
      const key = JSON.stringify([node.kind, attributes, inputs]);
      if (movesNothing(node) || found.has(key)) continue;
      const [from, to] = [inputs[0], shapes.get(node.name)!].map((shape) => shape.slice(1).join('x'));
      const variant = from === to ? `mobilenet-${from}` : `mobilenet-${from}-to-${to}`;
      found.set(key, layer(node.kind, inputs, attributes as never, variant));
    }
  }
  return [...found.values()];
}

const movesNothing = (node: NetworkNode): boolean => layerOf(node).copies === true;

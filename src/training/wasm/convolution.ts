/**
 * Depthwise convolutions, with the zeros that their windows reach lying around the maps in memory: around the input, and, with stride 1, around the
 * output's gradient too, since the input's gradient is then a depthwise convolution with the filter turned by 180°.
 */
import type { Buffer } from '../../engine/memory.js';
import { NetworkError } from '../../errors.js';
import type { NodeOf } from '../../network/index.js';
import { type ExplicitPadding, type Padding, type SlidingWindow, slideWindows } from '../../padding.js';
import type { Slot } from '../step/parameters.js';
import type { Lowering, Unit } from './lowering.js';
import { type FeatureMap, featureMap, type Margins, marginsOf, sameMargins } from './maps.js';
import { lowerConv2d } from './products.js';

type ConvolutionNode = NodeOf<'conv2d' | 'depthwiseConv2d'>;

/** A convolution, and the layer of zeros before it as part of its own padding. */
export function lowerConvolution(lowering: Lowering, node: ConvolutionNode, pad?: NodeOf<'pad'>): Unit {
  const { input, padding } = sourceOf(lowering, node, pad);
  return node.kind === 'conv2d'
    ? lowerConv2d(lowering, node, input, padding)
    : lowerDepthwise(lowering, node, input, padding);
}

function sourceOf(lowering: Lowering, node: ConvolutionNode, pad: NodeOf<'pad'> | undefined) {
  if (!pad) return { input: node.inputs[0], padding: node.attributes.padding };
  if (pad.attributes.value !== 0 || node.attributes.padding !== 'valid') {
    throw new NetworkError(
      `${lowering.network.name}: the trainer joins '${pad.name}' with '${node.name}' only where zeros precede 'valid' padding`,
    );
  }
  return { input: pad.inputs[0], padding: pad.attributes.padding satisfies ExplicitPadding };
}

/** What a depthwise layer needs to know of its place in the network. */
interface DepthwiseWindows {
  readonly vertical: SlidingWindow;
  readonly horizontal: SlidingWindow;
  /** Around the input. */
  readonly inputMargins: Margins;
  /** Around the output's gradient; undefined for strides above 1. */
  readonly gradientMargins: Margins | undefined;
}

function windowsOf(
  lowering: Lowering,
  node: NodeOf<'depthwiseConv2d'>,
  input: string,
  padding: Padding,
): DepthwiseWindows {
  const { kernelSize, strides, dilation } = node.attributes;
  const { rows, columns } = lowering.mapShapeOf(input);
  const { vertical, horizontal } = slideWindows(node.name, [rows, columns], kernelSize, strides, dilation, padding);
  const reach = (axis: 0 | 1) => (kernelSize[axis] - 1) * dilation[axis];
  const inputMargins = marginsOf([rows, columns], [reach(0) + 1, reach(1) + 1], strides, { vertical, horizontal });
  const [top, left] = [reach(0) - vertical.before, reach(1) - horizontal.before];
  const gradientMargins = {
    top,
    left,
    bottom: rows + vertical.before - vertical.out,
    right: columns + horizontal.before - horizontal.out,
  };
  const turns = strides[0] === 1 && strides[1] === 1 && Object.values(gradientMargins).every((margin) => margin >= 0);
  return { vertical, horizontal, inputMargins, gradientMargins: turns ? gradientMargins : undefined };
}

/** The margins that a depthwise layer wants around this tensor, where it is the only one to read it, maybe through a layer of zeros. */
export function wantedMargins(lowering: Lowering, name: string): Margins | undefined {
  const next = lowering.soleConsumerOf(name);
  const pad = next?.kind === 'pad' ? next : undefined;
  const layer = pad ? lowering.soleConsumerOf(pad.name) : next;
  if (layer?.kind !== 'depthwiseConv2d') return undefined;
  const { input, padding } = sourceOf(lowering, layer, pad);
  return windowsOf(lowering, layer, input, padding).inputMargins;
}

/** The margins that the depthwise layer which makes this tensor wants around the tensor's gradient. */
export function wantedGradientMargins(lowering: Lowering, name: string): Margins | undefined {
  const layer = lowering.producerOf(name);
  if (layer?.kind !== 'depthwiseConv2d' || lowering.soleConsumerOf(name) === undefined) return undefined;
  const before = lowering.producerOf(layer.inputs[0]);
  const { input, padding } = sourceOf(lowering, layer, before?.kind === 'pad' ? before : undefined);
  return windowsOf(lowering, layer, input, padding).gradientMargins;
}

function lowerDepthwise(lowering: Lowering, node: NodeOf<'depthwiseConv2d'>, input: string, padding: Padding): Unit {
  const { kernelSize, strides, dilation, depthMultiplier, bias } = node.attributes;
  const { vertical, horizontal, inputMargins, gradientMargins } = windowsOf(lowering, node, input, padding);
  if (depthMultiplier !== 1 || (!gradientMargins && (dilation[0] !== 1 || dilation[1] !== 1))) {
    throw new NetworkError(
      `${lowering.network.name}: the trainer's depthwise kernels have one filter a channel, and a stride or a dilation; '${node.name}' asks for more`,
    );
  }
  const x = withMargins(lowering, lowering.mapOf(input), inputMargins);
  const z = lowering.define(node.name);
  const filters = packFilters(lowering, lowering.slot(node, 'kernel'), x);
  const windows = [...kernelSize, ...strides, ...dilation];
  lowering.step([x, z], ({ kernels, at, whole, flat }) => {
    kernels.depthwise(...whole(x), x.groups, x.images, at(filters.weights), ...windows, z.rows, z.columns, ...flat(z));
  });
  const biasBackward = bias ? addBias(lowering, node, z) : undefined;
  return {
    backward: () => {
      const given = lowering.gradientOf(node.name);
      biasBackward?.(given);
      const dz = gradientMargins ? withMargins(lowering, given, gradientMargins) : given;
      lowering.step([x, dz], ({ kernels, at, whole, strided }) => {
        const maps = [...whole(x), x.groups, x.images, ...strided(dz)];
        kernels.depthwiseWeightGradient(...maps, ...windows, z.rows, z.columns, at(filters.gradient));
      });
      if (!lowering.needsGradient(input)) return;
      lowering.addGradient(input, (dx) => {
        lowering.step([dz, dx], ({ kernels, at, whole, flat }) => {
          const size = [dx.rows, dx.columns];
          if (gradientMargins) {
            const filter = [at(filters.turned), ...kernelSize, 1, 1, ...dilation];
            kernels.depthwise(...whole(dz), dz.groups, dz.images, ...filter, ...size, ...flat(dx));
          } else {
            const filter = [at(filters.weights), ...kernelSize, ...strides, vertical.before, horizontal.before];
            const from = [...flat(dz), dz.groups, dz.images, dz.rows, dz.columns];
            kernels.depthwiseInputGradient(...from, ...filter, ...size, ...flat(dx));
          }
        });
      });
    },
  };
}

/** Adds the layer's bias to its output. The result writes the step of the bias' gradient, in which margins count as the zeros they are. */
function addBias(lowering: Lowering, node: NodeOf<'depthwiseConv2d'>, z: FeatureMap): (dz: FeatureMap) => void {
  const { vector, gradient } = lowering.vector(lowering.slot(node, 'bias'));
  const everywhere = featureMap(z);
  lowering.step([everywhere, z], ({ kernels, at, flat }) => {
    kernels.biasForward(at(vector), z.groups, z.pixels, ...flat(everywhere));
    kernels.addMaps(at(everywhere.buffer), at(z.buffer), z.buffer.bytes, at(z.buffer));
  });
  return (dz) => {
    const pixels = (dz.images * dz.image) / 32;
    lowering.step([dz], ({ kernels, at, flat }) => kernels.biasGradient(...flat(dz), dz.groups, pixels, at(gradient)));
  };
}

/** The map with these margins: itself, or a copy. */
function withMargins(lowering: Lowering, map: FeatureMap, margins: Margins): FeatureMap {
  if (sameMargins(map.margins, margins)) return map;
  const wide = lowering.permanent(featureMap(map, margins));
  lowering.step([map, wide], ({ kernels, flat, strided }) => {
    kernels.copyRows(...flat(map), map.groups, map.images, map.rows, map.columns, ...strided(wide));
  });
  return wide;
}

/** Filters [KH, KW, C, 1] as groups, as they are and turned by 180°, and the place of their gradient. */
function packFilters(
  lowering: Lowering,
  { offset, shape: [KH, KW] }: Slot,
  { channels, groups }: FeatureMap,
): Record<'weights' | 'turned' | 'gradient', Buffer> {
  const taps = KH * KW;
  const group = taps * 32;
  const weights = lowering.constant(groups * group);
  const turned = lowering.constant(groups * group);
  const gradient = lowering.constant(groups * group);
  lowering.load.push(({ kernels, at }) => {
    kernels.toGroups(at(lowering.values) + offset * 4, taps, channels, at(weights), group);
    kernels.turnFilters(at(weights), groups, taps, at(turned));
  });
  lowering.unload.push(({ kernels, at }) => {
    kernels.fromGroups(at(gradient), group, taps, channels, at(lowering.gradients) + offset * 4);
  });
  return { weights, turned, gradient };
}

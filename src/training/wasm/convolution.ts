/**
 * Depthwise convolutions, with the zeros that their windows reach lying around the maps in memory: around the input, and, with stride 1, around the
 * output's gradient too, since the input's gradient is then a depthwise convolution with the filter turned by 180°.
 */
import { NetworkError } from '../../errors.js';
import type { NodeOf } from '../../network/index.js';
import { type ExplicitPadding, type Padding, type SlidingWindow, slideWindows } from '../../padding.js';
import type { Place } from '../../wasm/memory.js';
import { at } from '../../wasm/program.js';
import type { Slot } from '../step/parameters.js';
import type { Backward, Lowering } from './lowering.js';
import { type FeatureMap, flat, type Margins, mapLayout, marginsOf, sameMargins, strided, whole } from './maps.js';
import { lowerConv2d } from './products.js';

type ConvolutionNode = NodeOf<'conv2d' | 'depthwiseConv2d'>;

/** A convolution, and the layer of zeros before it as part of its own padding. */
export function lowerConvolution(lowering: Lowering, node: ConvolutionNode, pad?: NodeOf<'pad'>): Backward {
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

function lowerDepthwise(
  lowering: Lowering,
  node: NodeOf<'depthwiseConv2d'>,
  input: string,
  padding: Padding,
): Backward {
  const { program } = lowering;
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
  const maps = [...whole(x), x.groups, x.images] as const;
  const windows = [...kernelSize, ...strides, ...dilation] as const;
  program.step('depthwiseGroups', ...maps, filters.weights, ...windows, z.rows, z.columns, ...flat(z));
  const biasBackward = bias ? addBias(lowering, node, z) : undefined;
  return () => {
    const given = lowering.gradientOf(node.name);
    biasBackward?.(given);
    const dz = gradientMargins ? withMargins(lowering, given, gradientMargins) : given;
    program.step('depthwiseWeightGradient', ...maps, ...strided(dz), ...windows, z.rows, z.columns, filters.gradient);
    filters.store();
    if (!lowering.needsGradient(input)) return;
    lowering.addGradient(input, (dx) => {
      const size = [dx.rows, dx.columns] as const;
      if (gradientMargins) {
        const filter = [filters.turned, ...kernelSize, 1, 1, ...dilation] as const;
        program.step('depthwiseGroups', ...whole(dz), dz.groups, dz.images, ...filter, ...size, ...flat(dx));
      } else {
        const filter = [filters.weights, ...kernelSize, ...strides, vertical.before, horizontal.before] as const;
        const from = [...flat(dz), dz.groups, dz.images, dz.rows, dz.columns] as const;
        program.step('depthwiseInputGradient', ...from, ...filter, ...size, ...flat(dx));
      }
    });
  };
}

/** Adds the layer's bias to its output. The result writes the step of the bias' gradient, in which margins count as the zeros they are. */
function addBias(lowering: Lowering, node: NodeOf<'depthwiseConv2d'>, z: FeatureMap): (dz: FeatureMap) => void {
  const { program } = lowering;
  const { vector, gradient, store } = lowering.vector(lowering.slot(node, 'bias'));
  const everywhere = lowering.place(mapLayout(z));
  program.step('biasForward', vector, z.groups, z.pixels, ...flat(everywhere));
  program.step('addMaps', everywhere.place, z.place, z.bytes, z.place);
  return (dz) => {
    program.step('biasGradient', ...flat(dz), dz.groups, (dz.images * dz.image) / 32, gradient);
    store();
  };
}

/** The map with these margins: itself, or a copy. */
function withMargins(lowering: Lowering, map: FeatureMap, margins: Margins): FeatureMap {
  if (sameMargins(map.margins, margins)) return map;
  const wide = lowering.place(mapLayout(map, margins));
  const { groups, images, rows, columns } = map;
  lowering.program.step('copyRows', ...flat(map), groups, images, rows, columns, ...strided(wide));
  return wide;
}

/** Filters [KH, KW, C, 1] as groups, as they are and turned by 180°, and the place of their gradient, which `store` hands out. */
function packFilters(
  { program, values, gradients }: Lowering,
  { offset, shape: [KH, KW] }: Slot,
  { channels, groups }: FeatureMap,
): Record<'weights' | 'turned' | 'gradient', Place> & { store(): void } {
  const taps = KH * KW;
  const group = taps * 32;
  const [weights, turned, gradient] = [0, 1, 2].map(() => program.constant(groups * group));
  program.step('toGroups', at(values, offset * 4), taps, channels, weights, group);
  program.step('turnFilters', weights, groups, taps, turned);
  const store = () => program.step('fromGroups', gradient, group, taps, channels, at(gradients, offset * 4));
  return { weights, turned, gradient, store };
}

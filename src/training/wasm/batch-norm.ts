/** Batch norm in training mode with the activation after it, and activations by themselves. */
import type { AttributesOf, NetworkNode, NodeOf } from '../../network/index.js';
import type { Place } from '../../wasm/memory.js';
import { wantedGradientMargins, wantedMargins } from './convolution.js';
import type { Backward, Lowering, Vector } from './lowering.js';
import { type FeatureMap, strided } from './maps.js';

/** The activations that the kernels know, as clamps. */
const BOUNDS: {
  readonly [Kind in 'relu' | 'relu6' | 'clamp']: (attributes: AttributesOf<Kind>) => [lo: number, hi: number];
} = {
  relu: () => [0, Infinity],
  relu6: () => [0, 6],
  clamp: ({ min, max }) => [min, max],
};

export type ClampNode = NodeOf<keyof typeof BOUNDS>;

export const isClamp = (node: NetworkNode | undefined): node is ClampNode => node !== undefined && node.kind in BOUNDS;

const boundsOf = (node: ClampNode): [lo: number, hi: number] => BOUNDS[node.kind](node.attributes as never);

/** The smallest normal float32. Channels that do not exist have a variance of 0 and a gamma of 0, and stay 0 with an epsilon of 0 too. */
const SMALLEST = 2 ** -126;

export function lowerBatchNorm(lowering: Lowering, node: NodeOf<'batchNorm'>, activation?: ClampNode): Backward {
  const { program } = lowering;
  const { scale, center } = node.attributes;
  const epsilon = Math.max(node.attributes.epsilon, SMALLEST);
  const [input] = node.inputs;
  const output = activation?.name ?? node.name;
  const z = lowering.mapOf(input);
  const y = lowering.define(output, wantedMargins(lowering, output));
  const gamma = scale ? lowering.vector(lowering.slot(node, 'gamma')) : constantVector(lowering, z, 1);
  const beta = center ? lowering.vector(lowering.slot(node, 'beta')) : constantVector(lowering, z, 0);
  const { mean, variance } = batchStatistics(lowering, node, z);
  const bounds = activation ? boundsOf(activation) : ([-Infinity, Infinity] as const);
  const normalisation = [gamma.vector, beta.vector, epsilon, ...bounds] as const;
  program.step('normalise', z.place, ...rowsOf(z, y), ...normalisation, ...strided(y), mean, variance);
  return () => {
    const dy = lowering.gradientOf(output);
    const writeInto = (dz: FeatureMap) => {
      const from = [dy.place, z.place, ...rowsOf(z, dz)] as const;
      const to = [...strided(dz), gamma.gradient, beta.gradient] as const;
      program.step('normaliseBackward', ...from, ...normalisation, mean, variance, ...to);
    };
    lowering.addGradient(input, writeInto, wantedGradientMargins(lowering, input));
    gamma.store();
    beta.store();
  };
}

/** The map `z` in rows like those of `other`: one row an image where that has no margins. */
function rowsOf(
  { group, groups, images, rows, columns }: FeatureMap,
  other: FeatureMap,
): [group: number, groups: number, images: number, rows: number, columns: number] {
  return [group, groups, images, ...(other.margins ? ([rows, columns] as const) : ([1, rows * columns] as const))];
}

/** gamma or beta where the layer has none; nobody reads its gradient. */
function constantVector({ program }: Lowering, { channels, groups }: FeatureMap, value: number): Vector {
  const vector = program.table(`${value} ${channels}`, () => new Float32Array(groups * 8).fill(value, 0, channels));
  return { vector, gradient: program.constant(groups * 32), store() {} };
}

/** Where the kernel leaves this batch's statistics. They are handed out with the variance as the unbiased estimate. */
function batchStatistics(
  lowering: Lowering,
  node: NetworkNode,
  { groups, pixels }: FeatureMap,
): Record<'mean' | 'variance', Place> {
  const mean = lowering.program.constant(groups * 32);
  const variance = lowering.program.constant(groups * 32);
  lowering.statistics.push(
    { slot: lowering.slot(node, 'movingMean'), from: mean, factor: 1 },
    { slot: lowering.slot(node, 'movingVariance'), from: variance, factor: pixels / Math.max(pixels - 1, 1) },
  );
  return { mean, variance };
}

export function lowerClamp(lowering: Lowering, node: ClampNode): Backward {
  const [input] = node.inputs;
  const bounds = boundsOf(node);
  const x = lowering.mapOf(input);
  const y = lowering.define(node.name);
  lowering.program.step('clampForward', x.place, x.bytes, ...bounds, y.place);
  return () => {
    if (!lowering.needsGradient(input)) return;
    const dy = lowering.gradientOf(node.name);
    lowering.addGradient(input, (dx) =>
      lowering.program.step('clampBackward', dy.place, x.place, x.bytes, ...bounds, dx.place),
    );
  };
}

/** Batch norm in training mode with the activation after it, and activations by themselves. */
import type { Buffer } from '../../engine/memory.js';
import type { AttributesOf, NetworkNode, NodeOf } from '../../network/index.js';
import { wantedGradientMargins, wantedMargins } from './convolution.js';
import type { Lowering, Unit } from './lowering.js';
import type { FeatureMap } from './maps.js';

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

export function lowerBatchNorm(lowering: Lowering, node: NodeOf<'batchNorm'>, activation?: ClampNode): Unit {
  const { scale, center } = node.attributes;
  const epsilon = Math.max(node.attributes.epsilon, SMALLEST);
  const [input] = node.inputs;
  const output = activation?.name ?? node.name;
  const z = lowering.mapOf(input);
  const y = lowering.define(output, wantedMargins(lowering, output));
  const gamma = scale ? lowering.vector(lowering.slot(node, 'gamma')) : constantVector(lowering, z, 1);
  const beta = center ? lowering.vector(lowering.slot(node, 'beta')) : constantVector(lowering, z, 0);
  const { mean, variance } = batchStatistics(lowering, node, z);
  const bounds = activation ? boundsOf(activation) : [-Infinity, Infinity];
  lowering.step([z, y], ({ kernels, at, strided }) => {
    const normalisation = [at(gamma.vector), at(beta.vector), epsilon, ...bounds];
    kernels.normalise(at(z.buffer), ...rowsOf(z, y), ...normalisation, ...strided(y), at(mean), at(variance));
  });
  return {
    backward: () => {
      const dy = lowering.gradientOf(output);
      const writeInto = (dz: FeatureMap) =>
        lowering.step([dy, z, dz], ({ kernels, at, strided }) => {
          const normalisation = [at(gamma.vector), at(beta.vector), epsilon, ...bounds, at(mean), at(variance)];
          const from = [at(dy.buffer), at(z.buffer), ...rowsOf(z, dz)];
          kernels.normaliseBackward(...from, ...normalisation, ...strided(dz), at(gamma.gradient), at(beta.gradient));
        });
      lowering.addGradient(input, writeInto, wantedGradientMargins(lowering, input));
    },
  };
}

/** The map `z` in rows like those of `other`: one row an image where that has no margins. */
function rowsOf({ group, groups, images, rows, columns }: FeatureMap, other: FeatureMap): number[] {
  return [group, groups, images, ...(other.margins ? [rows, columns] : [1, rows * columns])];
}

/** gamma or beta where the layer has none; nobody reads its gradient. */
function constantVector(lowering: Lowering, { channels, groups }: FeatureMap, value: number) {
  const vector = lowering.constant(groups * 32);
  const gradient = lowering.constant(groups * 32);
  lowering.load.push(({ memory, at }) => {
    memory.fill(value, at(vector) / 4, at(vector) / 4 + channels);
  });
  return { vector, gradient };
}

/** Where the kernel leaves this batch's statistics. They are handed out with the variance as the unbiased estimate. */
function batchStatistics(
  lowering: Lowering,
  node: NetworkNode,
  { groups, pixels }: FeatureMap,
): Record<'mean' | 'variance', Buffer> {
  const mean = lowering.constant(groups * 32);
  const variance = lowering.constant(groups * 32);
  lowering.statistics.push(
    { slot: lowering.slot(node, 'movingMean'), from: mean, factor: 1 },
    { slot: lowering.slot(node, 'movingVariance'), from: variance, factor: pixels / Math.max(pixels - 1, 1) },
  );
  return { mean, variance };
}

export function lowerClamp(lowering: Lowering, node: ClampNode): Unit {
  const [input] = node.inputs;
  const bounds = boundsOf(node);
  const x = lowering.mapOf(input);
  const y = lowering.define(node.name);
  const { bytes } = x.buffer;
  lowering.step([x, y], ({ kernels, at }) => kernels.clampForward(at(x.buffer), bytes, ...bounds, at(y.buffer)));
  return {
    backward: () => {
      if (!lowering.needsGradient(input)) return;
      const dy = lowering.gradientOf(node.name);
      lowering.addGradient(input, (dx) =>
        lowering.step([dy, x, dx], ({ kernels, at }) => {
          kernels.clampBackward(at(dy.buffer), at(x.buffer), bytes, ...bounds, at(dx.buffer));
        }),
      );
    },
  };
}

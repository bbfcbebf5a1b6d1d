/** What quantisation-aware training begins with: the folded network, the integers of its tensors, and what they make of weights. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Network, randomWeights, run } from '../../src/network/index.js';
import type { QuantizedTensor, QuantizedType } from '../../src/tensor.js';
import { tensor } from '../../src/tensor.js';
import { train } from '../../src/training/index.js';
import { recipeWith } from '../../src/training/loop/recipe.js';
import { type QuantizationAware, quantizationAware } from '../../src/training/transfer/quantization-aware.js';
import { shapes, tinyNetwork } from './tiny.js';

const data = shapes();
let model: Network;
let aware: QuantizationAware;
beforeAll(async () => {
  const recipe = recipeWith({ epochs: 5, batch: 16, learningRate: 0.05 });
  model = (await train(randomWeights(tinyNetwork(data.train), 1), data, recipe)).network;
  aware = await quantizationAware(model, data.train, { ranges: 'min-max' });
}, 60_000);

/** What the network computes of the training pictures, all tensors asked for. */
function computed(network: Network, outputs: readonly string[]): Float64Array[] {
  const { mean, deviation, scale } = model.conventions.preprocessing!;
  const x = Float32Array.from(data.train.pictures, (byte, i) => (byte * scale - mean[i % 3]) / deviation[i % 3]);
  const found = run({ ...network, outputs }, tensor([48, 8, 8, 3], x));
  return outputs.map((name) => Float64Array.from(found.get(name)!.data));
}

describe('before training', () => {
  test('the network has no batch norms and computes the same', () => {
    expect(aware.network.nodes.map(({ kind }) => kind)).not.toContain('batchNorm');
    const [[before], [after]] = [computed(model, ['logits']), computed(aware.network, ['logits'])];
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[i], 4);
  });

  test('what a convolution and its activation make is rounded once, behind the activation', () => {
    // A dropout hands on what it reads.
    const names = ['conv_relu', 'depthwise_relu', 'pointwise_relu', 'pool', 'logits_dropout', 'logits'];
    expect([...aware.grids.keys()]).toEqual(names);
    expect(aware.grids.get('logits_dropout')).toEqual(aware.grids.get('pool'));
  });

  test('256 steps from the least to the greatest number of each tensor, 0 among them', () => {
    // The mean of a map has the grid of the map.
    const names = ['conv_relu', 'depthwise_relu', 'pointwise_relu', 'logits'];
    for (const [at, numbers] of computed(aware.network, names).entries()) {
      const { scale, lo, hi } = aware.grids.get(names[at])!;
      const [least, greatest] = [Math.min(0, ...numbers), Math.max(0, ...numbers)];
      expect(hi - lo).toBe(255);
      expect(Math.abs(scale * lo - least), names[at]).toBeLessThanOrEqual(scale);
      expect(Math.abs(scale * hi - greatest), names[at]).toBeLessThanOrEqual(scale);
    }
  });

  test('the same data gives the same integers', async () => {
    expect((await quantizationAware(model, data.train, { ranges: 'min-max' })).grids).toEqual(aware.grids);
  });
});

describe('after training', () => {
  test('other weights become integers of the same grids', () => {
    const weights = new Map(
      [...aware.network.weights].map(([name, x]) => [name, { ...x, data: x.data.map((w) => w / 2) }]),
    );
    const [before, after] = [aware.integersOf(aware.network), aware.integersOf({ ...aware.network, weights })];
    const typesOf = ({ nodes }: typeof before) => nodes.map(({ name, type }) => [name, type]);
    expect(typesOf(after)).toEqual(typesOf(before));
    for (const [name, { scale }] of aware.grids) {
      expect((after.nodes.find((node) => node.name === name)!.type as QuantizedType).scale).toBe(scale);
    }
    const kernels = [before, after].map(({ weights }) => weights.get('logits/kernel') as QuantizedTensor);
    expect(kernels[1].data).toEqual(kernels[0].data);
    const scales = kernels.map(({ type }) => ('scales' in type ? type.scales : [type.scale]));
    for (const [i, scale] of scales[1].entries()) expect(scale).toBeCloseTo(scales[0][i] / 2, 8);
  });
});

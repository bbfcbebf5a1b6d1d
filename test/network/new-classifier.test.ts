/** Where networks are cut for transfer learning, and what is put behind the cut. */
import { describe, expect, test } from 'vitest';
import { NetworkError, UsageError } from '../../src/errors.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { modelConventions } from '../../src/models/options.js';
import { join } from '../../src/network/graph.js';
import { inferShapes, type Network, randomWeights, run } from '../../src/network/index.js';
import { blockStart, bodyOf, withClassifier } from '../../src/network/rewriting/new-classifier.js';
import { behind, upTo } from '../../src/network/rewriting/subnetwork.js';
import { tensor } from '../../src/tensor.js';

const pictures = tensor(
  [2, 32, 32, 3],
  Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => Math.sin(i)),
);
const outputOf = (network: Network, x = pictures) => run(network, x).get(network.outputs[0])!;

describe.each(modelConventions)('by the rules of %s', (conventions) => {
  const v1 = mobilenetV1({ alpha: 0.1, resolution: 32, conventions });
  const v2 = mobilenetV2({ alpha: 0.1, resolution: 32, conventions });

  test.each([
    ['V1', v1, mobilenetV1({ alpha: 0.1, resolution: 32, conventions, head: 'pooled' })],
    ['V2', v2, mobilenetV2({ alpha: 0.1, resolution: 32, conventions, head: 'pooled' })],
  ])("the body of %s ends with what its classifier reads, as the model's own 'pooled' does", (_, whole, pooled) => {
    const body = bodyOf(randomWeights(whole, 1));
    const expected = outputOf(randomWeights(pooled, 1));
    expect(outputOf(body).data).toEqual(expected.data);
    expect(outputOf(body).shape).toEqual([2, expected.data.length / 2]);
  });

  test('a block of V1 begins behind a pointwise convolution and its activation', () => {
    const depthwise = v1.nodes.filter(({ kind }) => kind === 'depthwiseConv2d');
    for (const [count, index] of [
      [1, 12],
      [2, 11],
      [12, 1],
    ]) {
      const start = blockStart(bodyOf(v1), count);
      const rest = behind(bodyOf(v1), start).nodes.filter(({ kind }) => kind !== 'pad');
      expect(rest[0]).toEqual(depthwise[index]);
    }
    const first = blockStart(bodyOf(v1), 13);
    expect(upTo(v1, first).nodes.map(({ kind }) => kind)).toEqual(['conv2d', 'batchNorm', 'relu6']);
  });

  test('a block of V2 begins with its expansion, residual or not', () => {
    const body = bodyOf(v2);
    const counts = Array.from({ length: 16 }, (_, i) => i + 1);
    for (const count of counts) {
      const rest = behind(body, blockStart(body, count));
      expect(rest.nodes[0].kind).toBe('pointwiseConv2d');
      expect(rest.nodes.filter(({ kind }) => kind === 'depthwiseConv2d')).toHaveLength(count);
      // An expansion reads few channels: 16 at most of this network's linear bottlenecks but the last.
      expect(inferShapes(body).get(rest.inputs[0].name)![3]).toBeLessThanOrEqual(32);
    }
    expect(behind(body, blockStart(body, 17)).nodes[0].kind).toMatch(/pad|depthwiseConv2d/);
  });
});

describe('bodyOf', () => {
  const network = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32 }), 1);

  test('of another layer: its map, averaged', () => {
    const body = bodyOf(network, 'conv_pw_5_relu');
    const map = outputOf(upTo(network, 'conv_pw_5_relu'));
    const [, H, W, C] = map.shape;
    let sum = 0;
    for (let pixel = 0; pixel < H * W; pixel++) sum += map.data[pixel * C + 3];
    expect(outputOf(body).shape).toEqual([2, C]);
    expect(outputOf(body).data[3]).toBeCloseTo(sum / (H * W), 5);
  });

  test('of a network without a classifier: its output', () => {
    const features = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, head: 'features' }), 1);
    expect(bodyOf(features).nodes.at(-1)).toMatchObject({ kind: 'globalAveragePool', inputs: features.outputs });
  });

  test('of a network that ends otherwise', () => {
    const odd = { ...upTo(network, 'conv_pw_5_relu'), conventions: network.conventions };
    expect(() => bodyOf(odd)).toThrow(
      new NetworkError(
        "mobilenet_v1_0.1_32 up to conv_pw_5_relu: ends with 'conv_pw_5_relu', which is no classifier; say which layer yields the features",
      ),
    );
  });
});

test.each([0, 14, 1.5])('%d blocks of 13 are refused', (count) => {
  const network = mobilenetV1({ alpha: 0.1, resolution: 32 });
  expect(() => blockStart(bodyOf(network), count)).toThrow(
    new UsageError(
      `mobilenet_v1_0.1_32 up to global_average_pooling2d: wanted from 1 to 13 blocks to be tuned, found ${count}`,
    ),
  );
});

test('a new classifier has weights of 0, and so no opinion', () => {
  const body = bodyOf(randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32 }), 1));
  const network = withClassifier(body, ['a', 'b', 'c', 'd']);
  expect(network.conventions).toMatchObject({ output: 'probabilities', labelOffset: 0, labels: ['a', 'b', 'c', 'd'] });
  expect([...outputOf(network).data]).toEqual(new Array(8).fill(0.25));
});

test('names that are taken are not used twice', () => {
  const once = withClassifier(bodyOf(randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32 }), 1)), ['a', 'b']);
  const twice = withClassifier(bodyOf(once, 'probabilities'), ['x', 'y']);
  expect(twice.nodes.slice(-4).map(({ name }) => name)).toEqual([
    'classifier',
    'probabilities',
    'classifier_2',
    'probabilities_2',
  ]);
});

test('what was cut and joined is what it was', () => {
  const network = randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32 }), 1);
  const again = join(upTo(network, 'block_5_add'), behind(network, 'block_5_add'));
  expect(again).toEqual({ ...network, name: 'mobilenet_v2_0.1_32 up to block_5_add' });
});

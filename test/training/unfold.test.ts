import { expect, test } from 'vitest';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { foldBatchNorm, type Network, NetworkBuilder, randomWeights, run } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { tensor } from '../../src/tensor.js';
import { emptyDataset, WHOLE } from '../../src/training/data/dataset.js';
import type { Dataset } from '../../src/training/index.js';
import { trainingNetwork } from '../../src/training/transfer/network.js';
import { unfolded } from '../../src/training/transfer/unfold.js';
import { widened } from '../../src/training/transfer/widen.js';
import { withStatistics } from './networks.js';

/** Pictures of side × side, of two classes. */
function pictures(count: number, side: number, byte: () => number): Dataset {
  const data = emptyDataset(count, {
    name: 'noise',
    classes: ['a', 'b'],
    height: side,
    width: side,
    channels: 3,
    sizing: WHOLE,
  });
  for (const i of data.pictures.keys()) data.pictures[i] = byte();
  return data;
}

function noise(count: number, side: number): Dataset {
  const random = uniformRandom(9);
  return pictures(count, side, () => 256 * random());
}

/** A pointwise convolution of three channels to two, its batch norm, and a classifier. */
function chain(scale = true): Network {
  const net = new NetworkBuilder();
  let x = net.add('p', 'pointwiseConv2d', net.input('in', [1, 1, 1, 3]), { filters: 2, bias: false });
  x = net.add('n', 'batchNorm', x, { epsilon: 0.75, scale, center: true });
  x = net.add('pool', 'globalAveragePool', x, { keepDims: false });
  return net.build('chain', [net.add('d', 'dense', x, { units: 2, bias: true })], {
    source: 'other',
    output: 'logits',
    preprocessing: { ...WHOLE, size: [1, 1], channels: 'rgb', scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
  });
}

/*
 *   two pictures of one pixel, (1, 0, 0) and (3, 0, 0)
 *
 *   folded kernel  2  0      y of the first  2 + 10 = 12, 5      m  14, 5
 *                  0  0               second  6 + 10 = 16, 5      v   4, 0
 *                  0  0
 *   bias          10  5
 *
 *   c of the first filter: √⅓ / 2, so that c² · v = ⅓; of the second, which is 0: 1
 *   gamma  √(⅓ + ¾) / c,  √(0 + ¾) / 1        moving mean  c · (14 − 10),  1 · (5 − 5)
 */
test('an example by hand', async () => {
  const { nodes } = foldBatchNorm(chain());
  const folded: Network = {
    ...chain(),
    nodes,
    weights: new Map([
      ['n/kernel', tensor([3, 2], [2, 0, 0, 0, 0, 0])],
      ['n/bias', tensor([2], [10, 5])],
      ['d/kernel', tensor([2, 2], [1, 2, 3, 4])],
      ['d/bias', tensor([2], [5, 6])],
    ]),
  };
  const bytes = [1, 0, 0, 3, 0, 0];
  const { weights, nodes: whole } = await unfolded(
    folded,
    chain(),
    pictures(2, 1, () => bytes.shift()!),
  );
  expect(whole).toEqual(chain().nodes);
  const numbers = (name: string) => Array.from(weights.get(name)!.data);
  const near = (wanted: number[]) => wanted.map((number) => expect.closeTo(number, 5));
  const c = Math.sqrt(1 / 3) / 2;
  expect([...weights.keys()].sort()).toEqual(
    ['d/bias', 'd/kernel', 'n/beta', 'n/gamma', 'n/movingMean', 'n/movingVariance', 'p/kernel'].sort(),
  );
  expect(numbers('p/kernel')).toEqual(near([Math.sqrt(1 / 3), 0, 0, 0, 0, 0]));
  expect(numbers('n/gamma')).toEqual(near([Math.sqrt(13 / 12) / c, Math.sqrt(0.75)]));
  expect(numbers('n/beta')).toEqual(near([14, 5]));
  expect(numbers('n/movingMean')).toEqual(near([4 * c, 0]));
  expect(numbers('n/movingVariance')).toEqual(near([1 / 3, 0]));
  expect(numbers('d/kernel')).toEqual([1, 2, 3, 4]);
});

test.each([
  ['V1', mobilenetV1],
  ['V2', mobilenetV2],
])(
  'a folded %s has its batch norms again, and the same answers, whether or not it is widened then',
  async (_, model) => {
    const data = noise(20, 32);
    const options = { resolution: 32, smallPictures: true, classes: 2 };
    const narrow = trainingNetwork(model({ ...options, alpha: 0.1 }), data);
    const wide = trainingNetwork(model({ ...options, alpha: 0.2 }), data);
    const folded = foldBatchNorm(withStatistics(randomWeights(narrow, 1)));
    const whole = await unfolded(folded, wide, data);
    expect(whole.nodes).toEqual(narrow.nodes);
    const random = uniformRandom(3);
    const picture = tensor(
      [1, 32, 32, 3],
      Float32Array.from({ length: 3072 }, () => 2 * random() - 1),
    );
    const answer = (network: Network) => [...run(network, picture).values()][0].data;
    for (const network of [whole, widened(wide, whole, 2)]) {
      for (const [k, wanted] of answer(folded).entries()) expect(answer(network)[k]).toBeCloseTo(wanted, 5);
    }
  },
);

test('a layer without a bias has one of 0', async () => {
  const folded = foldBatchNorm(randomWeights(chain(), 1));
  const bare = (nodes: Network['nodes']) =>
    nodes.map((node) => (node.name === 'n' ? { ...node, attributes: { ...node.attributes, bias: false } } : node));
  const weights = new Map([...folded.weights].filter(([name]) => name !== 'n/bias'));
  const network = { ...folded, nodes: bare(folded.nodes) as Network['nodes'], weights };
  const whole = await unfolded(network, chain(), noise(2, 1));
  const picture = tensor([1, 1, 1, 3], [1, 2, 3]);
  const answer = (network: Network) => [...run(network, picture).values()][0].data;
  for (const [k, wanted] of answer(network).entries()) expect(answer(whole)[k]).toBeCloseTo(wanted, 5);
});

test('pictures of another size are an error', async () => {
  const folded = foldBatchNorm(randomWeights(chain(), 1));
  await expect(unfolded(folded, chain(), noise(2, 4))).rejects.toThrow('chain wants pictures of 1×1, noise has 4×4');
});

test('a network with its batch norms stays as it is', async () => {
  const network = randomWeights(chain(), 1);
  expect(await unfolded(network, chain(), noise(2, 1))).toBe(network);
});

test('a batch norm without gamma cannot take part', async () => {
  const folded = foldBatchNorm(randomWeights(chain(), 1));
  await expect(unfolded(folded, chain(false), noise(2, 1))).rejects.toThrow(
    'n: a batch norm without gamma or beta cannot yield what was folded; wanted both',
  );
});

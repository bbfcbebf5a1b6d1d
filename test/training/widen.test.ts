import { expect, test } from 'vitest';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights, run } from '../../src/network/index.js';
import { uniformRandom } from '../../src/random.js';
import { tensor } from '../../src/tensor.js';
import { widened } from '../../src/training/transfer/widen.js';
import { withStatistics } from './networks.js';

/** A pointwise convolution of `filters` channels, a batch norm and a dense layer of two units. */
function chain(filters: number): Network {
  const net = new NetworkBuilder();
  let x = net.add('p', 'pointwiseConv2d', net.input('in', [1, 1, 1, 2]), { filters, bias: false });
  x = net.add('n', 'batchNorm', x, { epsilon: 1e-3, scale: true, center: true });
  x = net.add('pool', 'globalAveragePool', x, { keepDims: false });
  return net.build('chain', [net.add('d', 'dense', x, { units: 2, bias: true })], {
    source: 'other',
    output: 'logits',
  });
}

/*
 *   p/kernel  1 2 | r r      d/kernel   5 6      gamma   9 8 | 1 1
 *             3 4 | r r                 7 8      beta    7 6 | 0 0
 *                                      -----     mean    5 4 | 0 0
 *                                       0 0      variance 3 2 | 1 1
 *                                       0 0
 */
test('an example by hand: what is known, random new columns, rows of 0 that read them', () => {
  const narrow: Network = {
    ...chain(2),
    weights: new Map([
      ['p/kernel', tensor([2, 2], [1, 2, 3, 4])],
      ['n/gamma', tensor([2], [9, 8])],
      ['n/beta', tensor([2], [7, 6])],
      ['n/movingMean', tensor([2], [5, 4])],
      ['n/movingVariance', tensor([2], [3, 2])],
      ['d/kernel', tensor([2, 2], [5, 6, 7, 8])],
      ['d/bias', tensor([2], [-1, -2])],
    ]),
  };
  const { weights } = widened(chain(4), narrow, 1);
  const numbers = (name: string) => Array.from(weights.get(name)!.data);
  const kernel = numbers('p/kernel');
  expect([kernel.slice(0, 2), kernel.slice(4, 6)]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const fresh = [...kernel.slice(2, 4), ...kernel.slice(6)];
  expect(new Set(fresh).size).toBe(4);
  expect(Math.max(...fresh.map(Math.abs))).toBeLessThanOrEqual(Math.fround(Math.SQRT1_2)); // 1 / √fan-in
  expect(numbers('d/kernel')).toEqual([5, 6, 7, 8, 0, 0, 0, 0]);
  expect(numbers('d/bias')).toEqual([-1, -2]);
  expect(numbers('n/gamma')).toEqual([9, 8, 1, 1]);
  expect(numbers('n/beta')).toEqual([7, 6, 0, 0]);
  expect(numbers('n/movingMean')).toEqual([5, 4, 0, 0]);
  expect(numbers('n/movingVariance')).toEqual([3, 2, 1, 1]);
});

test.each([
  ['V1', mobilenetV1],
  ['V2', mobilenetV2],
])('%s of α 0.2 begins as that of α 0.1: the same answers', (_, model) => {
  const options = { resolution: 32, smallPictures: true, classes: 3 };
  const narrow = withStatistics(randomWeights(model({ ...options, alpha: 0.1 }), 1));
  const wide = widened(model({ ...options, alpha: 0.2 }), narrow, 2);
  expect(countOf(wide)).toBeGreaterThan(1.2 * countOf(narrow));
  const random = uniformRandom(3);
  const picture = tensor(
    [1, 32, 32, 3],
    Float64Array.from({ length: 3072 }, () => 2 * random() - 1),
  );
  const [answer] = run(narrow, picture).values();
  const [same] = run(wide, picture).values();
  for (const [k, wanted] of answer.data.entries()) expect(same.data[k]).toBeCloseTo(wanted, 12);
});

const countOf = ({ weights }: Network) => [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);

test('the same network keeps every weight', () => {
  const narrow = withStatistics(randomWeights(chain(3), 1));
  expect(widened(chain(3), narrow, 2).weights).toEqual(narrow.weights);
});

test('networks that do not fit are an error', () => {
  const of = (alpha: number, more = {}) =>
    mobilenetV2({ alpha, resolution: 32, smallPictures: true, classes: 3, ...more });
  expect(() => widened(of(0.1), randomWeights(of(0.35), 1), 1)).toThrow(
    'mobilenet_v2_0.1_32_small cannot begin as mobilenet_v2_0.35_32_small: it has weight Conv1/kernel of 3 × 3 × 3 × 8, the other Conv1/kernel of 3 × 3 × 3 × 16; wanted the same layers with at most as many channels',
  );
  expect(() => widened(of(0.35), randomWeights(chain(2), 1), 1)).toThrow(
    'mobilenet_v2_0.35_32_small cannot begin as chain: it has weight Conv1/kernel of 3 × 3 × 3 × 16, the other p/kernel of 2 × 2; wanted',
  );
  expect(() => widened(of(0.1, { classes: 2 }), randomWeights(of(0.1), 1), 1)).toThrow(
    'it has weight predictions/kernel of 1280 × 2, the other predictions/kernel of 1280 × 3',
  );
  const net = new NetworkBuilder();
  const start = net.build(
    'start',
    [net.add('p', 'pointwiseConv2d', net.input('in', [1, 1, 1, 2]), { filters: 2, bias: false })],
    {
      source: 'other',
      output: 'features',
    },
  );
  expect(() => widened(start, randomWeights(chain(2), 1), 1)).toThrow(
    'start cannot begin as chain: it has weight none, the other n/gamma of 2; wanted the same layers',
  );
});

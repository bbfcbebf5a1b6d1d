import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { NetworkBuilder, randomWeights, run, trace, withWeights } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { conv, features, signed } from './helpers.js';

/** Two inputs, a sum that is used twice, two outputs, and a layer that nothing reads. */
function diamond() {
  const net = new NetworkBuilder();
  const a = net.input('a', [1, 3]);
  const b = net.input('b', [1, 3]);
  const sum = net.add('sum', 'add', [a, b], {});
  net.add('unread', 'sigmoid', a, {});
  const positive = net.add('positive', 'relu', sum, {});
  const twice = net.add('twice', 'add', [sum, positive], {});
  return net.build('diamond', [twice, positive], features);
}

const a = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
const b = tensor([2, 3], [-2, 0, 1, 0, -6, 0]);

describe('run', () => {
  test('several inputs and outputs, in the order of the outputs', () => {
    const results = run(
      diamond(),
      new Map([
        ['a', a],
        ['b', b],
      ]),
    );
    expect([...results.keys()]).toEqual(['twice', 'positive']);
    // a + b = −1 2 4 | 4 −1 6
    expect(results.get('positive')).toEqual(tensor([2, 3], [0, 2, 4, 4, 0, 6]));
    expect(results.get('twice')).toEqual(tensor([2, 3], [-1, 4, 8, 8, -1, 12]));
  });

  test('an input may be an output', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 3]);
    const y = net.add('y', 'relu', x, {});
    const results = run(net.build('identity', [x, y], features), b);
    expect(results.get('x')).toBe(b);
    expect(results.get('y')).toEqual(tensor([2, 3], [0, 0, 1, 0, 0, 0]));
  });

  test('the given tensors are not changed', () => {
    const before = [...a.data, ...b.data];
    run(
      diamond(),
      new Map([
        ['a', a],
        ['b', b],
      ]),
    );
    expect([...a.data, ...b.data]).toEqual(before);
  });

  test('float64 in, float64 through and out', () => {
    const results = run(
      diamond(),
      new Map([
        ['a', { ...a, data: Float64Array.from(a.data) }],
        ['b', b],
      ]),
    );
    expect(results.get('twice')!.data).toBeInstanceOf(Float64Array);
  });

  test('onNode is called before each node, and what it throws ends the run', () => {
    const seen: string[] = [];
    run(
      diamond(),
      new Map([
        ['a', a],
        ['b', b],
      ]),
      { onNode: (node, index, count) => seen.push(`${index + 1}/${count} ${node.name}`) },
    );
    expect(seen).toEqual(['1/4 sum', '2/4 unread', '3/4 positive', '4/4 twice']);
    const stop = () => {
      throw new Error('stopped');
    };
    expect(() =>
      run(
        diamond(),
        new Map([
          ['a', a],
          ['b', b],
        ]),
        { onNode: stop },
      ),
    ).toThrow('stopped');
  });

  test('a tensor is let go after its last use', () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const net = new NetworkBuilder();
    let x = net.input('x', [1, 2 ** 20]);
    for (let i = 0; i < 12; i++) x = net.add(`relu_${i}`, 'relu', x, {}); // 4 MiB each
    const network = net.build('chain', [x], features);
    const input = tensor([1, 2 ** 20], new Float32Array(2 ** 20));
    const held: number[] = [];
    const measure = () => {
      collect();
      held.push(process.memoryUsage().arrayBuffers / 2 ** 20);
    };
    run(network, input, { onNode: measure });
    expect(Math.max(...held) - held[0]).toBeLessThan(10);
    held.length = 0;
    trace(network, input, { onNode: measure });
    expect(Math.max(...held) - held[0]).toBeGreaterThan(20);
  });
});

describe('trace', () => {
  test('every tensor by name: inputs first, then the nodes in order', () => {
    const tensors = trace(
      diamond(),
      new Map([
        ['a', a],
        ['b', b],
      ]),
    );
    expect([...tensors.keys()]).toEqual(['a', 'b', 'sum', 'unread', 'positive', 'twice']);
    expect(tensors.get('sum')).toEqual(tensor([2, 3], [-1, 2, 4, 4, -1, 6]));
  });

  test('agrees with run', () => {
    const net = new NetworkBuilder();
    const y = conv(net, 'b', conv(net, 'a', net.input('x', [1, 5, 4, 2]), 3), 2, 2);
    const network = randomWeights(net.build('two', [y], features), 1);
    const x = signed([2, 5, 4, 2], 2);
    expect(run(network, x).get('b')).toEqual(trace(network, x).get('b'));
  });
});

describe('errors before anything is computed', () => {
  const never = {
    onNode: () => {
      throw new Error('a node was reached');
    },
  };

  test.each<[string, Map<string, typeof a> | typeof a, string]>([
    ['one tensor for two inputs', a, 'diamond: wanted a Map with a tensor for each of a, b, found one tensor'],
    ['a missing input', new Map([['a', a]]), 'diamond: wanted a Map with a tensor for each of a, b, found a'],
    [
      'an unknown input',
      new Map([
        ['a', a],
        ['b', b],
        ['c', b],
      ]),
      'diamond: wanted a Map with a tensor for each of a, b, found a, b, c',
    ],
    [
      'a wrong size',
      new Map([
        ['a', a],
        ['b', tensor([1, 2], [1, 2])],
      ]),
      "diamond: input 'b' must be [batch, 3], found [1, 2]",
    ],
    [
      'a wrong rank',
      new Map([
        ['a', a],
        ['b', tensor([3], [1, 2, 3])],
      ]),
      "diamond: input 'b' must be [batch, 3], found [3]",
    ],
  ])('%s', (_, inputs, message) => {
    expect(() => run(diamond(), inputs, never)).toThrow(new NetworkError(message));
  });

  test('batches that differ', () => {
    const inputs = new Map([
      ['a', a],
      ['b', tensor([1, 3], [1, 2, 3])],
    ]);
    expect(() => run(diamond(), inputs, never)).toThrow(ShapeError);
    expect(() => run(diamond(), inputs, never)).toThrow(/^sum: add: /);
  });

  test('no weights, or only some', () => {
    const net = new NetworkBuilder();
    const y = conv(net, 'b', conv(net, 'a', net.input('x', [1, 5, 4, 2]), 3), 2);
    const network = net.build('two', [y], features);
    const x = signed([1, 5, 4, 2], 2);
    expect(() => run(network, x, never)).toThrow(
      new NetworkError(
        "two: weight 'a/kernel' is missing, and 1 more; a network without weights describes, but cannot run",
      ),
    );
    const weights = new Map(randomWeights(network, 1).weights);
    weights.delete('b/kernel');
    expect(() => run({ ...network, weights }, x, never)).toThrow(
      new NetworkError("two: weight 'b/kernel' is missing; a network without weights describes, but cannot run"),
    );
  });

  test('weights that do not fit are listed, all of them', () => {
    const net = new NetworkBuilder();
    const y = conv(net, 'b', conv(net, 'a', net.input('x', [1, 5, 4, 2]), 3), 2);
    const network = net.build('two', [y], features);
    const weights = new Map([
      ['a/kernel', tensor([1, 1, 2, 3], [1, 2, 3, 4, 5, 6])],
      ['c/kernel', tensor([1], [1])],
    ]);
    expect(() => withWeights(network, weights)).toThrow(
      new NetworkError(
        'two: the weights do not fit the network:\n  wrong shape: a/kernel is [1,1,2,3], wanted [3,3,2,3]\n  missing: b/kernel [3,3,3,2]\n  surplus: c/kernel [1]',
      ),
    );
  });
});

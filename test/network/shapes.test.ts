import { describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { inferShapes, type Network, NetworkBuilder, type NetworkNode } from '../../src/network/index.js';
import { wantedWeights } from '../../src/network/shapes.js';
import { conv, features } from './helpers.js';

const relu = (name: string, ...inputs: string[]) => ({ name, kind: 'relu', inputs, attributes: {} }) as NetworkNode;

/** A network written down by hand, as hostile code may do it. */
function written(nodes: readonly object[], rest: Partial<Network> = {}): Network {
  return {
    name: 'bad',
    inputs: [{ name: 'x', shape: [1, 5, 5, 3] }],
    nodes: nodes as NetworkNode[],
    outputs: ['x'],
    weights: new Map(),
    conventions: features,
    ...rest,
  };
}

describe('inferShapes', () => {
  test('every tensor, inputs included, for the declared shape or another', () => {
    const net = new NetworkBuilder();
    const y = conv(net, 'b', conv(net, 'a', net.input('x', [1, 5, 5, 3]), 8, 2), 4);
    const network = net.build('two', [y], features);
    expect([...inferShapes(network)]).toEqual([
      ['x', [1, 5, 5, 3]],
      ['a', [1, 3, 3, 8]],
      ['b', [1, 3, 3, 4]],
    ]);
    expect(inferShapes(network, new Map([['x', [7, 9, 6, 3]]])).get('b')).toEqual([7, 5, 3, 4]);
    expect([...wantedWeights(network)]).toEqual([
      ['a/kernel', [3, 3, 3, 8]],
      ['b/kernel', [3, 3, 8, 4]],
    ]);
  });

  const convolution = {
    filters: 2,
    kernelSize: [3, 3],
    strides: [1, 1],
    dilation: [1, 1],
    padding: 'valid',
    bias: false,
  };

  test.each<[string, Network, string]>([
    [
      'an unknown kind',
      written([{ name: 'y', kind: 'lstm', inputs: ['x'], attributes: {} }]),
      "y: there is no layer kind 'lstm'",
    ],
    [
      'a kind of Object.prototype',
      written([{ name: 'y', kind: 'toString', inputs: ['x'], attributes: {} }]),
      "y: there is no layer kind 'toString'",
    ],
    ['a name used twice', written([relu('y', 'x'), relu('y', 'x')]), "bad: the name 'y' is used twice"],
    ["a node with an input's name", written([relu('x', 'x')]), "bad: the name 'x' is used twice"],
    ['a forward reference', written([relu('y', 'z'), relu('z', 'x')]), "y: its input 'z' is not a node before it"],
    ['a cycle', written([relu('y', 'z'), relu('z', 'y')]), "y: its input 'z' is not a node before it"],
    ['an unknown output', written([relu('y', 'x')], { outputs: ['z'] }), "bad: output 'z' is not a node"],
    ['no outputs', written([relu('y', 'x')], { outputs: [] }), 'bad: it has no outputs'],
    ['no attributes', written([{ name: 'y', kind: 'relu', inputs: ['x'] }]), 'y: wanted an object, found undefined'],
    [
      'a misspelt attribute',
      written([{ name: 'y', kind: 'softmax', inputs: ['x'], attributes: { axis: 1 } }]),
      "y: there is no field 'axis'; wanted none",
    ],
    [
      'half a filter',
      written([{ name: 'y', kind: 'conv2d', inputs: ['x'], attributes: { ...convolution, filters: 0.5 } }]),
      'y.filters: wanted a whole number from 1 to 2147483647, found 0.5',
    ],
    [
      'no step',
      written([{ name: 'y', kind: 'conv2d', inputs: ['x'], attributes: { ...convolution, strides: [0, 1] } }]),
      'y.strides[0]: wanted a whole number from 1 to 2147483647, found 0',
    ],
    [
      'a negative epsilon',
      written([
        { name: 'y', kind: 'batchNorm', inputs: ['x'], attributes: { epsilon: -1, scale: true, center: true } },
      ]),
      'y.epsilon: wanted a number of 0 or more, found -1',
    ],
    [
      'a dropout of everything',
      written([{ name: 'y', kind: 'dropout', inputs: ['x'], attributes: { rate: 1 } }]),
      'y.rate: wanted a rate from 0 up to, not including, 1, found 1',
    ],
  ])('refuses %s', (_, network, message) => {
    expect(() => inferShapes(network)).toThrow(new NetworkError(message));
  });

  test('a layer that does not fit its input is named', () => {
    const tooLarge = written([
      { name: 'y', kind: 'conv2d', inputs: ['x'], attributes: { ...convolution, kernelSize: [6, 6] } },
    ]);
    expect(() => inferShapes(tooLarge)).toThrow(ShapeError);
    expect(() => inferShapes(tooLarge)).toThrow(/^y: conv2d.* a kernel spanning 6 .* does not fit into 5 samples/);
    expect(() => inferShapes(written([relu('y', 'x', 'x')]))).toThrow('y: relu: takes one input, found 2');
    expect(() => inferShapes(written([{ name: 'y', kind: 'add', inputs: ['x'], attributes: {} }]))).toThrow(
      'y: add: takes two or more inputs, found 1',
    );
  });
});

describe('NetworkBuilder', () => {
  test.each<[string, (net: NetworkBuilder) => void, string]>([
    ["an input's name that is taken", (net) => net.input('x', [1, 4]), "n: the name 'x' is used twice"],
    ["a layer's name that is taken", (net) => net.add('y', 'relu', 'x'), "n: the name 'y' is used twice"],
    ['a name not there yet', (net) => net.add('z', 'relu', 'w'), "z: its input 'w' is not a node before it"],
  ])('refuses %s', (_, add, message) => {
    const net = new NetworkBuilder();
    net.add('y', 'relu', net.input('x', [1, 4]));
    add(net);
    expect(() => net.build('n', ['y'], features)).toThrow(new NetworkError(message));
  });

  test('builds only what fits together', () => {
    const net = new NetworkBuilder();
    net.add('y', 'relu', net.input('x', [1, 4]), {});
    expect(() => net.build('n', ['w'], features)).toThrow(new NetworkError("n: output 'w' is not a node"));
    conv(net, 'flat', 'y', 3);
    expect(() => net.build('n', ['y'], features)).toThrow(
      /^flat: conv2d: wanted an input of shape \[batch, height, width, channels\]/,
    );
  });

  test('what is built does not change when more is added', () => {
    const net = new NetworkBuilder();
    const x = net.input('x', [1, 4]);
    net.add('y', 'relu', x, {});
    const network = net.build('n', ['y'], features);
    net.add('z', 'relu', 'y', {});
    expect(network.nodes).toHaveLength(1);
  });
});

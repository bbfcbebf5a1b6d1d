import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import { type Network, NetworkBuilder, randomWeights, similarNames, trace, upTo } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

/** picture → a → b → sum → end, with a shortcut from a to sum and a branch c of its own. */
function branched(): Network {
  const builder = new NetworkBuilder();
  const picture = builder.input('picture', [1, 4, 4, 2]);
  builder.input('other', [1, 3]);
  builder.add('a', 'pointwiseConv2d', picture, { filters: 2, bias: true });
  builder.add('b', 'relu', 'a', {});
  builder.add('c', 'pointwiseConv2d', 'a', { filters: 5, bias: false });
  builder.add('sum', 'add', ['a', 'b'], {});
  builder.add('end', 'softmax', 'sum', {});
  return randomWeights(
    builder.build('branched', ['end', 'c'], {
      source: 'slim',
      output: 'probabilities',
      labelOffset: 1,
      labels: ['x', 'y'],
    }),
    7,
  );
}

const x = tensor(
  [1, 4, 4, 2],
  Array.from({ length: 32 }, (_, i) => Math.sin(i)),
);

describe('upTo', () => {
  test('has only what leads to the node', () => {
    const part = upTo(branched(), 'sum');
    expect(part.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'sum']);
    expect(part.inputs.map(({ name }) => name)).toEqual(['picture']);
    expect(part.outputs).toEqual(['sum']);
    expect([...part.weights.keys()]).toEqual(['a/kernel', 'a/bias']);
    expect(part.name).toBe('branched up to sum');
  });

  test('yields features, and makes no promise about classes', () => {
    expect(upTo(branched(), 'sum').conventions).toEqual({ source: 'slim', output: 'features' });
  });

  test.each(['a', 'b', 'c', 'sum', 'end', 'picture'])('%s has the value that the whole network gives it', (name) => {
    const network = branched();
    const whole = trace({ ...network, inputs: [network.inputs[0]] }, x);
    expect(trace(upTo(network, name), x).get(name)).toEqual(whole.get(name));
  });

  test('leaves the network as it is', () => {
    const network = branched();
    upTo(network, 'a');
    expect(network).toEqual(branched());
  });

  test('an unknown name lists similar ones', () => {
    expect(() => upTo(branched(), 'som')).toThrow(
      new NetworkError("branched: there is no layer 'som'; similar names: sum, a, b, c, end"),
    );
  });
});

test('similar names are those with the fewest changes, whatever their case', () => {
  const names = ['conv_dw_1', 'conv_dw_2', 'conv_dw_11', 'conv_pw_1', 'predictions', 'input_1'];
  expect(similarNames('CONV_DW_1', names)).toEqual(['conv_dw_1', 'conv_dw_2', 'conv_dw_11', 'conv_pw_1', 'input_1']);
});

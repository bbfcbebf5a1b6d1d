import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import { mobilenetV2 } from '../../src/models/index.js';
import { NetworkBuilder, randomWeights, run, trace } from '../../src/network/index.js';
import { behind, similarNames, upTo } from '../../src/network/rewriting/subnetwork.js';
import { wantedWeights } from '../../src/network/shapes.js';
import { features, signed } from './helpers.js';

describe('upTo', () => {
  const network = randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32, classes: 7 }), 1);
  const x = signed([1, 32, 32, 3], 2);

  test('keeps what the layer needs, its weights included, and nothing after it', () => {
    const part = upTo(network, 'block_2_add');
    expect(part.nodes.at(-1)!.name).toBe('block_2_add');
    expect(part.name).toBe('mobilenet_v2_0.1_32 up to block_2_add');
    expect(new Set(part.weights.keys())).toEqual(new Set(wantedWeights(part).keys()));
    expect(run(part, x).get('block_2_add')).toEqual(trace(network, x).get('block_2_add'));
  });

  test('what comes out of the middle are features, with the same preprocessing', () => {
    expect(network.conventions.output).toBe('probabilities');
    const { conventions } = upTo(network, 'out_relu');
    expect(conventions).toEqual({
      source: 'keras',
      output: 'features',
      preprocessing: network.conventions.preprocessing,
    });
  });

  test('inputs that are no longer read go; an input alone is a network too', () => {
    const net = new NetworkBuilder();
    const a = net.input('a', [1, 2]);
    const b = net.input('b', [1, 2]);
    net.add('sum', 'add', [net.add('left', 'relu', a, {}), b], {});
    const whole = net.build('n', ['sum'], features);
    expect(upTo(whole, 'left').inputs.map(({ name }) => name)).toEqual(['a']);
    expect(run(upTo(whole, 'b'), signed([3, 2], 1)).get('b')!.shape).toEqual([3, 2]);
  });

  test('a layer that is not there: similar names are', () => {
    expect(() => upTo(network, 'block_99_add')).toThrow(NetworkError);
    expect(() => upTo(network, 'block_99_add')).toThrow(
      /^mobilenet_v2_0\.1_32: there is no layer 'block_99_add'; similar names: block_9_add, /,
    );
  });
});

describe('behind', () => {
  const network = randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32, classes: 7 }), 1);
  const x = signed([2, 32, 32, 3], 2);

  test.each(['input', 'block_2_add', 'out_relu', 'predictions_softmax'])(
    'with upTo of the same name it makes up the whole: %s',
    (name) => {
      const between = run(upTo(network, name), x).get(name)!;
      const rest = behind(network, name);
      expect(rest.inputs).toEqual([{ name, shape: [1, ...between.shape.slice(1)] }]);
      expect(new Set(rest.weights.keys())).toEqual(new Set(wantedWeights(rest).keys()));
      expect(run(rest, between)).toEqual(run(network, x));
      expect(rest.conventions.output).toBe('probabilities');
      expect(rest.conventions.preprocessing).toBeUndefined();
    },
  );

  test('not across a residual connection', () => {
    expect(() => behind(network, 'block_2_expand_relu')).toThrow(
      new NetworkError(
        "mobilenet_v2_0.1_32: cannot be cut at 'block_2_expand_relu', since 'block_2_add' behind it reads 'block_1_project_BN' before it",
      ),
    );
  });

  test('a layer that is not there', () => {
    expect(() => behind(network, 'block_99_add')).toThrow(/there is no layer 'block_99_add'; similar names/);
  });
});

describe('similarNames', () => {
  test('the fewest changed letters first, capitals apart', () => {
    const names = ['conv1', 'conv1_bn', 'conv_dw_1', 'predictions', 'dropout', 'Conv2'];
    expect(similarNames('CONV1', names)).toEqual(['conv1', 'Conv2', 'conv1_bn', 'conv_dw_1', 'dropout']);
  });
});

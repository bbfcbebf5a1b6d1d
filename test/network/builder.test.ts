/** Networks written node by node, from nothing and from a backbone. */
import { describe, expect, test } from 'vitest';
import { NetworkError, ShapeError } from '../../src/errors.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { type Network, NetworkBuilder, randomWeights, run, trace, withWeights } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

const conventions = { source: 'other', output: 'features' } as const;
const pictures = tensor(
  [2, 32, 32, 3],
  Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => Math.sin(i)),
);

describe('NetworkBuilder.from', () => {
  const backbones: [string, Network][] = [
    ['V1', randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32 }), 1)],
    ['V2', randomWeights(mobilenetV2({ alpha: 0.1, resolution: 32 }), 1)],
  ];

  test.each(backbones)('every tensor of %s can be tapped: a network that ends there yields it', (_, backbone) => {
    const tensors = trace(backbone, pictures);
    for (const { name } of backbone.nodes) {
      const net = NetworkBuilder.from(backbone);
      const same = net.add('same', 'dropout', name, { rate: 0 });
      const network = net.build('tapped', [same], conventions);
      expect(run(network, pictures).get('same')).toEqual(tensors.get(name));
    }
  });

  test('two taps and a head of its own: the classifier is gone with its weights, the rest keeps its tensors', () => {
    const [, backbone] = backbones[1];
    const net = NetworkBuilder.from(backbone);
    const scores = net.add('scores', 'pointwiseConv2d', 'block_13_expand_relu', { filters: 2, bias: false });
    const network = net.build('detector', [scores, 'out_relu'], conventions);
    expect(network.nodes.map(({ kind }) => kind)).not.toContain('softmax');
    const lost = [...backbone.weights.keys()].filter((weight) => !network.weights.has(weight));
    expect(lost).toEqual(['predictions/kernel', 'predictions/bias']);
    for (const [name, weight] of network.weights) expect(weight).toBe(backbone.weights.get(name));
    expect(() => run(network, pictures)).toThrow("weight 'scores/kernel' is missing");

    const channels = trace(backbone, pictures).get('block_13_expand_relu')!.shape[3];
    const kernel = tensor([channels, 2], new Float32Array(channels * 2).fill(1));
    const whole = withWeights(network, new Map([...network.weights, ['scores/kernel', kernel]]));
    expect(run(whole, pictures).get('out_relu')).toEqual(trace(backbone, pictures).get('out_relu'));
  });

  test('the backbone is as it was', () => {
    const [, backbone] = backbones[0];
    const before = JSON.stringify(backbone);
    const net = NetworkBuilder.from(backbone);
    net.add('more', 'relu', backbone.outputs[0], {});
    expect(net.build('longer', ['more'], conventions).nodes).toHaveLength(backbone.nodes.length + 1);
    expect(JSON.stringify(backbone)).toBe(before);
  });

  test('an architecture without weights goes on as one', () => {
    const net = NetworkBuilder.from(mobilenetV1({ alpha: 0.1, resolution: 32 }));
    expect(net.build('same', ['conv_pw_13_relu'], conventions).weights.size).toBe(0);
  });

  test('names of the backbone are taken, others are unknown', () => {
    const onBackbone = (name: string, kind: 'relu' | 'globalAveragePool', input: string) => () => {
      const net = NetworkBuilder.from(backbones[0][1]);
      return net.build('wrong', [net.add(name, kind, input)], conventions);
    };
    expect(onBackbone('conv1', 'relu', 'conv1')).toThrow(new NetworkError("wrong: the name 'conv1' is used twice"));
    expect(onBackbone('head', 'relu', 'conv_pw_99')).toThrow(
      new NetworkError("head: its input 'conv_pw_99' is not a node before it"),
    );
    expect(onBackbone('head', 'globalAveragePool', 'predictions')).toThrow(ShapeError);
  });

  test('weights that do not fit the backbone are named', () => {
    const [, backbone] = backbones[0];
    const weights = new Map(backbone.weights).set('conv1/kernel', tensor([1], new Float32Array(1)));
    expect(() => NetworkBuilder.from({ ...backbone, weights }).build('odd', ['conv1'], conventions)).toThrow(
      new NetworkError(
        'odd: the weights do not fit the network:\n  wrong shape: conv1/kernel is [1], wanted [3,3,3,3]',
      ),
    );
    const surplus = new Map(backbone.weights).set('conv9/kernel', tensor([1], new Float32Array(1)));
    expect(() => NetworkBuilder.from({ ...backbone, weights: surplus }).build('odd', ['conv1'], conventions)).toThrow(
      new NetworkError('odd: the weights do not fit the network:\n  surplus: conv9/kernel [1]'),
    );
  });
});

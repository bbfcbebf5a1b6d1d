import { describe, expect, test } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import { mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { atResolution, NetworkBuilder, randomWeights, run } from '../../src/network/index.js';
import { features, signed } from './helpers.js';

describe('atResolution', () => {
  test('the same weights at another size', () => {
    const small = randomWeights(mobilenetV1({ alpha: 0.1, resolution: 32, classes: 7 }), 1);
    const wide = atResolution(small, [48, 80]);
    expect(run(wide, signed([1, 48, 80, 3], 2)).get('predictions')!.shape).toEqual([1, 7]);
    expect(wide.weights).toBe(small.weights);
    expect(small.inputs[0].shape).toEqual([1, 32, 32, 3]);
  });

  test('preprocessing follows: the size, and a shorter side in proportion, as the presets have it', () => {
    for (const conventions of ['slim', 'keras', 'torchvision'] as const) {
      const resized = atResolution(mobilenetV2({ conventions }), [160, 160]);
      expect(resized.conventions).toEqual(mobilenetV2({ conventions, resolution: 160 }).conventions);
    }
  });

  test('is what the model itself describes at that size', () => {
    const { inputs, nodes } = atResolution(mobilenetV2(), [97, 131]);
    const model = mobilenetV2({ resolution: [97, 131] });
    expect({ inputs, nodes }).toEqual({ inputs: model.inputs, nodes: model.nodes });
  });

  test('of a network that reads no picture', () => {
    const net = new NetworkBuilder();
    net.add('y', 'relu', net.input('x', [1, 4]), {});
    expect(() => atResolution(net.build('n', ['y'], features), [32, 32])).toThrow(
      new NetworkError("n: input 'x' of shape [1, 4] is no picture, and has no resolution"),
    );
  });

  test('of a layer that cannot take it', () => {
    const net = new NetworkBuilder();
    net.add('y', 'reshape', net.input('x', [1, 4, 4, 3]), { shape: [48] });
    expect(() => atResolution(net.build('n', ['y'], features), [5, 5])).toThrow(/^y: reshape/);
  });
});

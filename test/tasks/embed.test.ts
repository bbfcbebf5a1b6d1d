import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { embeddingLayer } from '../../src/network/heads.js';
import { run } from '../../src/network/index.js';
import { embed } from '../../src/tasks/embed.js';
import { tensor } from '../../src/tensor.js';
import { noise, smallNetwork } from '../load/models.js';
import { colourNetwork, filled } from './networks.js';

const network = colourNetwork('softmax');

describe('embed', () => {
  test('feature maps are averaged to one number a channel', async () => {
    const halves = {
      width: 2,
      height: 2,
      channels: 3 as const,
      data: Uint8Array.of(8, 0, 1, 4, 0, 1, 0, 2, 1, 0, 2, 1),
    };
    expect(await embed(network, halves, { layer: 'brighter' })).toEqual(tensor([1, 3], [3, 1, 1]));
    expect(await embed(network, halves, { layer: 'brighter', pool: false })).toEqual(
      tensor([1, 2, 2, 3], Array.from(halves.data)),
    );
  });

  test('what is flat stays as it is', async () => {
    for (const pool of [true, false]) {
      expect(await embed(network, filled(4, 5, 6), { layer: 'mean', pool })).toEqual(tensor([1, 3], [4, 5, 6]));
    }
  });

  test('several pictures are stacked', async () => {
    const pictures = [filled(1, 2, 3), filled(4, 5, 6)];
    expect(await embed(network, pictures, { layer: 'mean' })).toEqual(tensor([2, 3], [1, 2, 3, 4, 5, 6]));
  });

  test('only the nodes up to the layer are run', async () => {
    const seen: string[] = [];
    await embed(network, filled(1, 2, 3), {
      layer: 'mean',
      run: (part, input) => run(part, input, { onNode: ({ name }) => seen.push(name) }),
    });
    expect(seen).toEqual(['brighter', 'mean']);
  });

  test('an unknown layer', async () => {
    await expect(embed(network, filled(1, 2, 3), { layer: 'Meen' })).rejects.toThrow(
      "colours: there is no layer 'Meen'; similar names: mean, ",
    );
  });

  test('without a layer: what the classifier reads, or an error', async () => {
    const classifier = smallNetwork();
    const shown = noise(1);
    expect(await embed(classifier, shown)).toEqual(
      await embed(classifier, shown, { layer: embeddingLayer(classifier)! }),
    );
    await expect(embed(network, filled(1, 2, 3))).rejects.toThrow(
      new UsageError('embed: colours has no classifier whose input would be the features; name a layer'),
    );
  });

  test('no pictures', async () => {
    await expect(embed(network, [], { layer: 'mean' })).rejects.toThrow('embed: no pictures given');
  });
});

/** Small networks whose answers one can work out by hand. */
import type { Picture } from '../../src/image/picture.js';
import { type Conventions, type Network, NetworkBuilder, type Preprocessing } from '../../src/network/index.js';

/** Bytes as they are. */
export const asBytes: Preprocessing = {
  crop: { kind: 'stretch' },
  resize: 'half-pixel',
  size: [2, 2],
  channels: 'rgb',
  scale: 1,
  mean: [0, 0, 0],
  deviation: [1, 1, 1],
};

/** The mean of red, green and blue as three logits (or, through softmax, probabilities): it names a picture's strongest colour. */
export function colourNetwork(
  ending: 'logits' | 'softmax' | 'softmax, flattened',
  more: Partial<Conventions> = {},
): Network {
  const builder = new NetworkBuilder();
  let name = builder.input('picture', [1, 2, 2, 3]);
  name = builder.add('brighter', 'relu', name, {});
  name = builder.add('mean', 'globalAveragePool', name, { keepDims: ending === 'softmax, flattened' });
  if (ending !== 'logits') name = builder.add('softmax', 'softmax', name, {});
  if (ending === 'softmax, flattened') name = builder.add('flat', 'flatten', name, {});
  return builder.build('colours', [name], {
    source: 'other',
    output: ending === 'logits' ? 'logits' : 'probabilities',
    labels: ['red', 'green', 'blue'],
    preprocessing: asBytes,
    ...more,
  });
}

/** A picture of one colour. */
export const filled = (red: number, green: number, blue: number): Picture => ({
  width: 3,
  height: 5,
  channels: 3,
  data: Uint8Array.from({ length: 45 }, (_, i) => [red, green, blue][i % 3]),
});

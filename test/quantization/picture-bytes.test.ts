/** One mean and one deviation for all channels, and a first layer that makes up for it. */
import { expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { preprocess } from '../../src/image/preprocess.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import { type Network, withWeights } from '../../src/network/index.js';
import { calibrate, quantizeNetwork } from '../../src/quantization/index.js';
import { withCommonMean } from '../../src/quantization/picture-bytes.js';
import { tensor } from '../../src/tensor.js';

const byChannel = {
  crop: { kind: 'stretch' },
  resize: 'half-pixel',
  size: [1, 2],
  channels: 'rgb',
  scale: 1 / 255,
  mean: [0.4, 0.5, 0.6],
  deviation: [0.1, 0.2, 0.3],
} as const;

/** y = x[0] + 2 x[1] + 3 x[2]. */
function sums(preprocessing: object, kind: 'pointwiseConv2d' | 'dense' = 'pointwiseConv2d'): Network {
  const net = new NetworkBuilder();
  const x = net.input('x', kind === 'dense' ? [1, 3] : [1, 1, 2, 3]);
  const y =
    kind === 'dense'
      ? net.add('y', 'dense', x, { units: 1, bias: false })
      : net.add('y', 'pointwiseConv2d', x, { filters: 1, bias: false });
  const conventions = { source: 'other', output: 'logits', preprocessing } as Network['conventions'];
  return withWeights(net.build('sums', [y], conventions), new Map([['y/kernel', tensor([3, 1], [1, 2, 3])]]));
}

const picture = { width: 2, height: 1, channels: 3, data: Uint8Array.of(0, 51, 255, 128, 127, 1) } as const;

async function answer(network: Network): Promise<number[]> {
  const plan = await compile(network);
  return [...[...plan.run(preprocess(picture, network.conventions.preprocessing!)).values()][0].data];
}

test('kernels take the deviations in, the bias the means, by hand', () => {
  const { weights, conventions } = withCommonMean(sums(byChannel));
  // 0.5 · 255 is no byte: 128 is the next.
  expect(conventions.preprocessing!.mean).toEqual([128 / 255, 128 / 255, 128 / 255]);
  for (const deviation of conventions.preprocessing!.deviation) expect(deviation).toBeCloseTo(0.2, 10);
  for (const w of weights.get('y/kernel')!.data) expect(w).toBeCloseTo(2, 6);
  // 1 · (m − 0.4) / 0.1 + 2 · (m − 0.5) / 0.2 + 3 · (m − 0.6) / 0.3 = 30 m − 15
  expect(weights.get('y/bias')!.data[0]).toBeCloseTo((30 * 128) / 255 - 15, 5);
});

test('the same answers to a picture, and bytes go in', async () => {
  const [before, after] = [sums(byChannel), withCommonMean(sums(byChannel))];
  const [wanted, found] = [await answer(before), await answer(after)];
  for (const [i, number] of wanted.entries()) expect(found[i]).toBeCloseTo(number, 4);
  const typeOf = async (network: Network) =>
    quantizeNetwork(await calibrate(network, [preprocess(picture, network.conventions.preprocessing!)])).inputs[0].type;
  expect(await typeOf(before)).toBe('float32');
  expect(await typeOf(after)).toMatchObject({ type: 'uint8', zeroPoint: 128 });
});

test.each([
  ['one mean and one deviation already', sums({ ...byChannel, mean: [1, 1, 1], deviation: [2, 2, 2] })],
  ['no convolution reads the picture', sums(byChannel, 'dense')],
])('%s: left as it is', (_, network) => {
  expect(withCommonMean(network)).toBe(network);
});

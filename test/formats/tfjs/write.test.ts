/** Graph models that this library writes: read back, and run by TensorFlow.js. */
import { describe, expect, test } from 'vitest';
import { readTfjs, writeTfjs } from '../../../src/formats/index.js';
import { mobilenetV1, mobilenetV2 } from '../../../src/models/index.js';
import { type Network, run } from '../../../src/network/index.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { lifelikeWeights, randomInput } from '../../agreement/lifelike.js';
import { expectWithin } from '../../network/helpers.js';
import { noTfjs, runGraphModel } from '../../peers/tfjs.js';
import { everyKind } from '../onnx/everyKind.js';

/** Of the largest number of the output: weights and sums of float32. */
const ROUNDING = 2e-5;

function expectClose(name: string, found: Tensor, wanted: Tensor): void {
  const largest = Array.from(wanted.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectWithin(name, found, wanted, () => ROUNDING * largest);
}

const networks: readonly [name: string, network: () => Network][] = [
  ['every kind of layer', everyKind],
  ['V1 0.25 of slim, 65', () => lifelikeWeights(mobilenetV1({ alpha: 0.25, resolution: 65, classes: 11 }), 3)],
  [
    'V2 0.35 of torchvision, 97',
    () => lifelikeWeights(mobilenetV2({ alpha: 0.35, resolution: 97, classes: 5, conventions: 'torchvision' }), 3),
  ],
];

describe.each(networks)('%s', (_, make) => {
  const network = make();
  const [{ name, shape }] = network.inputs;
  const x = randomInput([2, ...shape.slice(1)], 9);
  const wanted = run(network, x);

  test('is read back with the same names and answers', async () => {
    const back = await readTfjs(await writeTfjs(network));
    expect(back.inputs).toEqual(network.inputs);
    expect(back.outputs).toEqual(network.outputs);
    const found = run(back, x);
    for (const [output, y] of wanted) expectClose(output, found.get(output)!, y);
  });

  test.skipIf(noTfjs)('TensorFlow.js computes the same (needs DEPTHWISE_TFJS)', async () => {
    const found = await runGraphModel(await writeTfjs(network), { [name]: x }, network.outputs);
    for (const [output, y] of wanted) {
      const { shape: theirs, data } = found.get(output)!;
      expectClose(output, tensor(theirs, data), y);
    }
  });
});

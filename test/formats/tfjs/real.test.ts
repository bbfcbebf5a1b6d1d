/** Real TensorFlow.js models beside TensorFlow.js itself. */
import { describe, expect, test } from 'vitest';
import { readTfjs } from '../../../src/formats/index.js';
import { run } from '../../../src/network/index.js';
import { type Tensor, tensor } from '../../../src/tensor.js';
import { randomInput } from '../../agreement/lifelike.js';
import { expectWithin } from '../../network/helpers.js';
import { noTfjs, nsfwModel, posenet, runGraphModel, runLayersModel } from '../../peers/tfjs.js';

const largest = ({ data }: Tensor): number =>
  Array.from(data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Of the largest number: float32 sums in another order over 28 layers, none of which was trained for noise. */
const ROUNDING = 2e-5;

describe.skipIf(noTfjs)('real models (needs DEPTHWISE_TFJS)', () => {
  test('nsfwjs: MobileNet V2, weights of 8 bits, live batch norms', async () => {
    const files = nsfwModel();
    const network = await readTfjs(files);
    expect(network.inputs).toEqual([{ name: 'input_1', shape: [1, 224, 224, 3] }]);
    expect(network.nodes.filter(({ kind }) => kind === 'batchNorm')).toHaveLength(52);
    expect(network.conventions).toMatchObject({ source: 'keras', output: 'probabilities' });
    const x = randomInput([1, 224, 224, 3], 3);
    const { shape, data } = await runLayersModel(files, x);
    expectWithin('predictions', run(network, x).get(network.outputs[0])!, tensor(shape, data), () => 1e-5);
  });

  test('posenet: V1 0.75, a graph of fused operators', async () => {
    const files = posenet();
    const network = await readTfjs(files);
    expect(network.inputs).toEqual([{ name: 'image', shape: [1, 385, 385, 3] }]);
    expect(network.outputs.map((name) => name.split('/')[1]).sort()).toEqual([
      'displacement_bwd_2',
      'displacement_fwd_2',
      'heatmap_2',
      'offset_2',
    ]);
    const x = randomInput([1, 385, 385, 3], 3);
    const wanted = await runGraphModel(files, { image: x }, network.outputs);
    const found = run(network, x);
    for (const [name, { shape, data }] of wanted) {
      const y = tensor(shape, data);
      const allowed = ROUNDING * largest(y);
      const bound = () => allowed;
      expectWithin(name, found.get(name)!, y, bound);
    }
  });
});

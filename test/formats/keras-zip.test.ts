/** Keras 3's .keras files, put together here as keras/src/saving/saving_lib.py does: a class's second layer is numbered _1. */
import { unzipSync, zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readNetwork } from '../../src/formats/index.js';
import { kerasZip } from '../../src/formats/readers/keras-zip.js';
import { npz } from '../../src/formats/readers/npz.js';
import { run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { kerasArchive, type NumberedWeights } from './h5.js';

const dense = (name: string) => ({
  module: 'keras.layers',
  class_name: 'Dense',
  config: { name, units: 1, use_bias: name !== 'first', activation: 'linear' },
});
const config = {
  class_name: 'Sequential',
  config: {
    name: 'm',
    layers: [
      { class_name: 'InputLayer', config: { name: 'in', batch_shape: [null, 1] } },
      dense('first'),
      { class_name: 'Sequential', config: { name: 'inner', layers: [dense('second')] } },
      dense('third'),
    ],
  },
};

const archive = (weights: NumberedWeights) => kerasArchive(JSON.stringify(config), weights);

const weights = {
  'layers/dense': [[[1, 1], [2]]],
  'layers/sequential/layers/dense': [
    [[1, 1], [3]],
    [[1], [1]],
  ],
  'layers/dense_1': [
    [[1, 1], [5]],
    [[1], [7]],
  ],
} as const satisfies NumberedWeights;

test('weights by class and number, those of inner models too: 5 · (3 · 2x + 1) + 7', async () => {
  const network = await readNetwork(await archive(weights));
  expect(run(network, tensor([1, 1], [10])).get('third')!.data[0]).toBe(312);
});

test('a layer without its weights is named', async () => {
  const { 'layers/dense_1': _, ...others } = weights;
  const read = readNetwork(await archive(others), { fileName: 'm.keras' });
  await expect(read).rejects.toThrow(FormatError);
  await expect(read).rejects.toThrow(/missing: third\/kernel/);
});

test('packed again with its folder, and in whatever order', async () => {
  const entries = Object.entries(unzipSync(await archive(weights))).reverse();
  const packed = zipSync(Object.fromEntries(entries.map(([name, bytes]) => [`best/model/${name}`, bytes])));
  const network = await readNetwork(packed);
  expect(run(network, tensor([1, 1], [10])).get('third')!.data[0]).toBe(312);
});

test.each(['config.json', 'model.weights.h5'])('without its %s', async (missing) => {
  const { [missing]: _, ...entries } = unzipSync(await archive(weights));
  await expect(readNetwork(zipSync(entries), { fileName: 'm.keras' })).rejects.toThrow(
    new FormatError(`m.keras: is a Keras archive without its ${missing}`),
  );
});

test('the reader without import() reads the same, and says what is no .keras file', async () => {
  const bytes = await archive(weights);
  const network = await kerasZip.read(bytes, {});
  expect(run(network, tensor([1, 1], [10])).get('third')!.data[0]).toBe(312);
  await expect(kerasZip.read(zipSync({ 'a.txt': Uint8Array.of(1) }), { fileName: 'a.zip' })).rejects.toThrow(
    new FormatError('a.zip: is a zip archive, but no .keras file: wanted config.json and model.weights.h5 in it'),
  );
  await expect(npz.read(bytes, { fileName: 'm.keras' })).rejects.toThrow(
    new FormatError(
      "m.keras: is a Keras 3 file, whose reader was not given: import { kerasZip } from 'depthwise/formats/keras-zip', and load(…, { readers: [kerasZip] })",
    ),
  );
});

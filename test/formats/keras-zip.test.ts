/** Keras 3's .keras files, put together here as keras/src/saving/saving_lib.py does: a class's second layer is numbered _1. */
import { unzipSync, zipSync } from 'fflate';
import type { Group } from 'h5wasm';
import { expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { readNetwork } from '../../src/formats/index.js';
import { kerasZip } from '../../src/formats/readers/keras-zip.js';
import { npz } from '../../src/formats/readers/npz.js';
import { run } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';
import { h5File } from './h5.js';

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

/** Weights by the group that holds their numbered variables. */
const archive = async (weights: Record<string, readonly (readonly [number[], number[]])[]>) => {
  const h5 = await h5File((file) => {
    for (const [path, vars] of Object.entries(weights)) {
      let group: Group = file;
      for (const name of [...path.split('/'), 'vars']) {
        group = group.keys().includes(name) ? (group.get(name) as Group) : group.create_group(name);
      }
      for (const [index, [shape, numbers]] of vars.entries()) {
        group.create_dataset({ name: `${index}`, data: Float32Array.from(numbers), shape, dtype: '<f' });
      }
    }
  });
  const text = new TextEncoder().encode(JSON.stringify(config));
  return zipSync({ 'metadata.json': new TextEncoder().encode('{}'), 'config.json': text, 'model.weights.h5': h5 });
};

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
} as const satisfies Record<string, unknown>;

test('weights by class and number, those of inner models too: 5 · (3 · 2x + 1) + 7', async () => {
  const network = await readNetwork(await archive(weights as never));
  expect(run(network, tensor([1, 1], [10])).get('third')!.data[0]).toBe(312);
});

test('a layer without its weights is named', async () => {
  const { 'layers/dense_1': _, ...others } = weights;
  const read = readNetwork(await archive(others as never), { fileName: 'm.keras' });
  await expect(read).rejects.toThrow(FormatError);
  await expect(read).rejects.toThrow(/missing: third\/kernel/);
});

test('packed again with its folder, and in whatever order', async () => {
  const entries = Object.entries(unzipSync(await archive(weights as never))).reverse();
  const packed = zipSync(Object.fromEntries(entries.map(([name, bytes]) => [`best/model/${name}`, bytes])));
  const network = await readNetwork(packed);
  expect(run(network, tensor([1, 1], [10])).get('third')!.data[0]).toBe(312);
});

test.each(['config.json', 'model.weights.h5'])('without its %s', async (missing) => {
  const { [missing]: _, ...entries } = unzipSync(await archive(weights as never));
  await expect(readNetwork(zipSync(entries), { fileName: 'm.keras' })).rejects.toThrow(
    new FormatError(`m.keras: is a Keras archive without its ${missing}`),
  );
});

test('the reader without import() reads the same, and says what is no .keras file', async () => {
  const bytes = await archive(weights as never);
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

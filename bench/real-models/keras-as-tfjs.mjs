/**
 * A Keras .h5 or .keras file as a TensorFlow.js layers model, so that TensorFlow.js runs it where no Python is: the file's own configuration and
 * weights, read by the HDF5 library. The library under test has no part in it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import h5wasm from 'h5wasm/node';

/** Writes model.json and weights.bin into the folder; returns the path of model.json. */
export async function kerasAsTfjs(path, folder) {
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'r');
  const config = JSON.parse(text(file.attrs.model_config.value));
  const root = file.keys().includes('model_weights') ? file.get('model_weights') : file;
  const weights = root.attrs.layer_names.value.flatMap((layer) => {
    const group = root.get(layer);
    return Array.from(group.attrs.weight_names?.value ?? [], (name) => ({ name, ...numbersOf(group.get(name)) }));
  });
  const manifest = weights.map(({ name, shape }) => ({
    name: name.replace(/:0$/, '').split('/').slice(-2).join('/'),
    shape,
    dtype: 'float32',
  }));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(weights.map(({ data }) => Buffer.from(data.buffer))));
  const model = {
    format: 'layers-model',
    generatedBy: `keras ${text(file.attrs.keras_version?.value ?? '')}, ${basename(path)}`,
    modelTopology: {
      keras_version: text(file.attrs.keras_version?.value ?? '2'),
      backend: 'tensorflow',
      model_config: inKeras2(config),
    },
    weightsManifest: [{ paths: ['weights.bin'], weights: manifest }],
  };
  file.close();
  const out = join(folder, 'model.json');
  writeFileSync(out, JSON.stringify(model));
  return out;
}

/**
 * What TensorFlow.js does not know is said as Keras 2 says it, and regularisers, which only train, are left out.
 */
function inKeras2(value) {
  if (Array.isArray(value)) return value.map(inKeras2);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    if (/_regularizer$/.test(key)) return [key, null];
    if (key === 'batch_shape') return ['batch_input_shape', inner];
    return [key, key === 'dtype' && inner?.class_name === 'DTypePolicy' ? inner.config.name : inKeras2(inner)];
  });
  return Object.fromEntries(entries);
}

const text = (value) => (typeof value === 'string' ? value : new TextDecoder().decode(value));

/** In float32, as TensorFlow.js computes. */
function numbersOf(dataset) {
  return { shape: [...dataset.shape], data: Float32Array.from(dataset.value) };
}

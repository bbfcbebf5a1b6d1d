/** HDF5 files as Keras writes them through h5py (superblock 0, version 1 object headers), made by the HDF5 library itself. */
import { zipSync } from 'fflate';
import h5wasm, { type File, type Group } from 'h5wasm';
import { sizeOf } from '../../src/tensor.js';

/** The bytes of a file that `fill` has filled. */
export async function h5File(
  fill: (file: File) => void,
  libver: 'earliest' | 'v108' = 'earliest',
): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const file = new h5wasm.File('test.h5', 'w', { libver: [libver, 'latest'] });
  fill(file);
  file.close();
  const bytes = FS.readFile('test.h5');
  FS.unlink('test.h5');
  return bytes;
}

/** By layer, then by weight as Keras names it: { conv1: { 'conv1/kernel:0': [[3, 3, 3, 8], numbers] } }. */
export type LayerWeights = Readonly<
  Record<string, Readonly<Record<string, readonly [shape: readonly number[], numbers?: ArrayLike<number>]>>>
>;

/** The groups and attributes of `save_weights`, below the file or the group `model_weights`. Numbers default to 1, 2, 3, …. */
export function addWeights(group: File | Group, layers: LayerWeights): void {
  addTexts(group, 'layer_names', Object.keys(layers));
  for (const [layer, weights] of Object.entries(layers)) {
    const found = group.create_group(layer);
    addTexts(found, 'weight_names', Object.keys(weights));
    for (const [path, [shape, numbers]] of Object.entries(weights)) {
      const folders = path.split('/').slice(0, -1);
      const inside = folders.reduce(
        (at: Group, name) => (at.keys().includes(name) ? (at.get(name) as Group) : at.create_group(name)),
        found,
      );
      const data = numbers
        ? Float32Array.from(numbers)
        : Float32Array.from({ length: sizeOf(shape) }, (_, index) => index + 1);
      inside.create_dataset({ name: path.slice(path.lastIndexOf('/') + 1), data, shape: [...shape], dtype: '<f' });
    }
  }
}

/** A list of texts of one length, as NumPy's S type; an empty list becomes float64, as h5py writes it. */
export function addTexts(group: File | Group, name: string, texts: readonly string[]): void {
  const longest = Math.max(0, ...texts.map((text) => new TextEncoder().encode(text).length));
  if (texts.length === 0) group.create_attribute(name, new Float64Array(0), [0], '<d');
  else group.create_attribute(name, [...texts], [texts.length], `S${longest}`);
}

export const kerasWeightsFile = (layers: LayerWeights): Promise<Uint8Array> =>
  h5File((file) => addWeights(file, layers));

/** `model.save('x.h5')`: the architecture as JSON beside the weights. */
export function kerasModelFile(config: unknown, layers: LayerWeights): Promise<Uint8Array> {
  return h5File((file) => {
    file.create_attribute('model_config', typeof config === 'string' ? config : JSON.stringify(config));
    addWeights(file.create_group('model_weights'), layers);
  });
}

/** Shapes and numbers of variables, by the group that holds them. */
export type NumberedWeights = Readonly<
  Record<string, readonly (readonly [shape: readonly number[], numbers: readonly number[]])[]>
>;

/** Keras 3's `.weights.h5`: variables have numbers in place of names. */
export const numberedWeightsFile = (weights: NumberedWeights): Promise<Uint8Array> =>
  h5File((file) => {
    for (const [path, vars] of Object.entries(weights)) {
      let group: Group = file;
      for (const name of [...path.split('/'), 'vars']) {
        group = group.keys().includes(name) ? (group.get(name) as Group) : group.create_group(name);
      }
      for (const [index, [shape, numbers]] of vars.entries()) {
        group.create_dataset({ name: `${index}`, data: Float32Array.from(numbers), shape: [...shape], dtype: '<f' });
      }
    }
  });

/** Keras 3's `.keras`, of a configuration in JSON; Keras does not deflate. */
export const kerasArchive = async (config: string, weights: NumberedWeights): Promise<Uint8Array> =>
  zipSync(
    {
      'metadata.json': new TextEncoder().encode('{}'),
      'config.json': new TextEncoder().encode(config),
      'model.weights.h5': await numberedWeightsFile(weights),
    },
    { level: 0 },
  );

/** tfjs-tflite: an older TensorFlow Lite with XNNPACK behind TF.js tensors, which live on the 'cpu' backend here. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { TFLiteModel } from '@tensorflow/tfjs-tflite';
import { tfliteOf } from '../models/tflite.js';
import type { Contestant, Surroundings } from './contestant.js';

export const tfjsTflite = ({ folders, asPage }: Surroundings): Contestant => ({
  name: 'tfjs-tflite',
  kind: 'wasm',
  async load(network) {
    await tf.setBackend('cpu');
    const model = await asPage(() => loadModel(tfliteOf(network), folders.tfjsTflite));
    const shape = network.inputs[0].shape as [number, number, number, number];
    return {
      prepare: async () => void (await tf.setBackend('cpu')),
      run: (picture) =>
        tf.tidy(() => (model.predict(tf.tensor4d(picture, shape)) as tf.Tensor).dataSync() as Float32Array),
      dispose: () => {}, // it has no way to give its memory back
    };
  },
});

/** The package is imported here because it looks for its WASM file at once, which only a page survives. */
async function loadModel(bytes: Uint8Array, wasmPath: string): Promise<TFLiteModel> {
  const { loadTFLiteModel, setWasmPath } = await import('@tensorflow/tfjs-tflite');
  setWasmPath(wasmPath);
  return loadTFLiteModel(bytes.slice().buffer, { numThreads: 1 });
}

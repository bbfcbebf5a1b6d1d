/** TensorFlow.js with its WASM backend (XNNPACK) and in plain JavaScript. */
import '@tensorflow/tfjs-backend-cpu';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { tfjsGraphOf } from '../models/tfjsGraph.js';
import type { Contestant, Surroundings } from './contestant.js';

export function tfjsWasm({ folders, simd }: Surroundings): Contestant {
  if (simd === 'none') tf.env().set('WASM_HAS_SIMD_SUPPORT', false);
  setWasmPaths(folders.tfjsWasm);
  setThreadsCount(1);
  return onBackend('wasm', { name: 'TF.js wasm', kind: 'wasm' });
}

export const tfjsCpu = (): Contestant => onBackend('cpu', { name: 'TF.js cpu', kind: 'javascript' });

function onBackend(backend: string, names: Pick<Contestant, 'name' | 'kind'>): Contestant {
  const prepare = async () => {
    if (!(await tf.setBackend(backend))) throw new Error(`the backend '${backend}' did not start`);
  };
  return {
    ...names,
    async load(network) {
      await prepare();
      const graph = tfjsGraphOf(network);
      const shape = network.inputs[0].shape as [number, number, number, number];
      return {
        prepare,
        run: (picture) => tf.tidy(() => graph.run(tf.tensor4d(picture, shape)).dataSync() as Float32Array),
        dispose: graph.dispose,
      };
    },
  };
}

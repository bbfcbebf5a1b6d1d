/** onnxruntime's CPU kernels compiled to WASM. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import type { Contestant, Surroundings } from './contestant.js';
import { loadOnnx } from './onnxruntime.js';

export function onnxruntimeWeb({ folders }: Surroundings): Contestant {
  env.wasm.wasmPaths = folders.onnxruntime;
  env.wasm.numThreads = 1;
  return {
    name: 'onnxruntime-web',
    kind: 'wasm',
    load: (network) => loadOnnx({ InferenceSession, Tensor }, network, 'wasm'),
  };
}

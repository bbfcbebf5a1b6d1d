/** onnxruntime's CPU kernels, native: what the machine's wider instructions allow. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Contestant } from './contestant.js';
import { loadOnnx } from './onnxruntime.js';

export const onnxruntimeNode = (): Contestant => ({
  name: 'onnxruntime-node',
  kind: 'native',
  load: (network) => loadOnnx({ InferenceSession, Tensor }, network, 'cpu'),
});

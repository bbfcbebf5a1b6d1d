/** What onnxruntime's two packages share. */
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type { Network } from '../../../../dist/network/index.js';
import { onnxOf } from '../models/onnx.js';
import type { Loaded } from './contestant.js';

/** The part of either package that is used here. */
export interface Onnxruntime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => Tensor;
}

export async function loadOnnx(
  { InferenceSession, Tensor }: Onnxruntime,
  network: Network,
  executionProvider: 'wasm' | 'cpu',
): Promise<Loaded> {
  const session = await InferenceSession.create(onnxOf(network), {
    executionProviders: [executionProvider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const [input] = network.inputs;
  return {
    async run(picture) {
      const outputs = await session.run({ [input.name]: new Tensor('float32', picture, input.shape) });
      return outputs[network.outputs[0]].data as Float32Array;
    },
    dispose: () => session.release(),
  };
}

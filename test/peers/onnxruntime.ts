/**
 * onnxruntime, the runtime that most .onnx files are made for, as a peer in Node. It is large, and no dependency of the library's: it is
 * taken from bench/peers, where it is installed (`npm ci` in that folder).
 */
import { createRequire } from 'node:module';
import type { Shape, Tensor } from '../../src/tensor.js';

interface OrtTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

interface Onnxruntime {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
      release(): Promise<void>;
    }>;
  };
}

function load(): Onnxruntime | undefined {
  try {
    return createRequire(new URL('../../bench/peers/package.json', import.meta.url))('onnxruntime-node') as Onnxruntime;
  } catch {
    return undefined;
  }
}

const onnxruntime = load();

export const noOnnxruntime = onnxruntime === undefined;

/** The model's outputs by name, in the shapes that it gives them. */
export async function runOnnxruntime(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Map<string, { shape: Shape; data: Float32Array }>> {
  const { InferenceSession, Tensor: OrtTensor } = onnxruntime!;
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(([name, { shape, data }]) => {
    return [name, new OrtTensor('float32', Float32Array.from(data), shape)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  const outputs = Object.entries(results).map(([name, { dims, data }]) => [name, { shape: dims, data }] as const);
  await session.release();
  return new Map(outputs);
}

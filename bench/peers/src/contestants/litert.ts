/** LiteRT.js: TensorFlow Lite with XNNPACK. The build with relaxed SIMD or the one without, never the one with threads. */
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { tfliteOf } from '../models/tflite.js';
import type { Contestant, Surroundings } from './contestant.js';

const LOADERS = { plain: 'litert_wasm_compat_internal.js', relaxed: 'litert_wasm_internal.js' };

export const litert = ({ folders, simd, asPage }: Surroundings): Contestant => ({
  name: 'LiteRT.js',
  kind: 'wasm',
  async load(network) {
    runtime ??= asPage(() => loadLiteRt(folders.litert + LOADERS[simd === 'relaxed' ? 'relaxed' : 'plain']));
    await runtime;
    const model = await loadAndCompile(tfliteOf(network), { accelerator: 'wasm' });
    const { shape } = network.inputs[0];
    return {
      async run(picture) {
        const input = new Tensor(picture, [...shape]);
        const [output] = await model.run([input]);
        const result = output.toTypedArray() as Float32Array;
        input.delete();
        output.delete();
        return result;
      },
      dispose: () => model.delete(),
    };
  },
});

let runtime: Promise<unknown> | undefined;

// Many bundlers, Vite among them, build workers without import() only: the reader and the kernels of integers are given.
// Files of real numbers need less: import { load } from 'depthwise/safetensors', and load(url).
import { integerEngine } from 'depthwise/engine/integers';
import { quantizedSafetensors } from 'depthwise/formats/quantized';
import { load } from 'depthwise/load';

addEventListener('message', async ({ data: { url, picture } }) => {
  const model = await load(url, { readers: [quantizedSafetensors], integers: integerEngine });
  const [{ label, probability }] = await model.classify(picture, { top: 1 });
  postMessage(`${label} ${(100 * probability).toFixed(1)} %`);
});

// The door of .safetensors files alone: it loads nothing later, and many bundlers, Vite among them, build workers without import() only.
// Other files: import { load } from 'depthwise/load', { onnx } from 'depthwise/formats/onnx', and load(url, { readers: [onnx] }).
import { load } from 'depthwise/safetensors';

addEventListener('message', async ({ data: { url, picture } }) => {
  const model = await load(url);
  const [{ label, probability }] = await model.classify(picture, { top: 1 });
  postMessage(`${label} ${(100 * probability).toFixed(1)} %`);
});

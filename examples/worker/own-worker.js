// 'depthwise/load' with the readers that are wanted, since many bundlers, Vite among them, build workers without import().
import { load } from 'depthwise/load';
import { safetensors } from 'depthwise/safetensors';

addEventListener('message', async ({ data: { url, picture } }) => {
  const model = await load(url, { readers: [safetensors] });
  const [{ label, probability }] = await model.classify(picture, { top: 1 });
  postMessage(`${label} ${(100 * probability).toFixed(1)} %`);
});

import url from 'depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors?url';
import picture from 'depthwise/assets/pictures/chelsea.jpg';
import { createWorker } from 'depthwise/browser';

const [image, answer] = ['picture', 'answer'].map((id) => document.getElementById(id));
image.src = picture;

const worker = createWorker();
const model = await worker.load(url); // the same interface as load() of 'depthwise', and the same answers to the bit
await image.decode();
const predictions = await model.classify(image, { top: 3 });
answer.value = predictions.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`).join(', ');
worker.dispose();

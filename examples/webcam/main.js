import url from 'depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors?url';
import { createWorker, webcam } from 'depthwise/browser';

const [stop, answer, video] = ['stop', 'answer', 'video'].map((id) => document.getElementById(id));
const ended = new AbortController();
stop.onclick = () => ended.abort();

try {
  const model = await createWorker().load(url); // ten classes: airplane, car, bird, cat, …
  stop.disabled = false;
  let last = performance.now();
  // The newest frame each time: those that come while the network runs are passed over. The loop's end turns the camera off.
  for await (const frame of webcam({ video, mirror: true, signal: ended.signal })) {
    const [best] = await model.classify(frame.video, { top: 1 });
    const now = performance.now();
    answer.value = `${best.label} ${(100 * best.probability).toFixed(0)} %, ${(1000 / (now - last)).toFixed(0)} frames a second`;
    last = now;
  }
  model.dispose();
  answer.value = 'Stopped.';
} catch (error) {
  answer.value = error.message; // says what to do: no camera, not allowed, in use, …
}

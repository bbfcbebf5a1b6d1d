import url from 'depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors?url';
import picture from 'depthwise/assets/pictures/chelsea.jpg';

const worker = new Worker(new URL('./own-worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => {
  document.getElementById('own').value = data;
};
// Addresses are relative to the page; the worker's script may be elsewhere.
worker.postMessage({ url: new URL(url, location).href, picture: new URL(picture, location).href });

import { load } from 'depthwise';
// Ten kinds of things: airplane, automobile, bird, cat, … Put the address of your own model here.
import url from 'depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors?url';

const [file, progress, answers] = ['file', 'progress', 'answers'].map((id) => document.getElementById(id));

const ready = load(url, {
  onProgress: ({ phase, loaded, total }) => {
    if (phase === 'download' && total) progress.value = loaded / total;
  },
});
ready.then(
  () => progress.remove(),
  (error) => say(error.message),
);

file.addEventListener('change', () => answer(file.files));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  answer(event.dataTransfer.files);
});

/** One bad picture does not lose the others' answers. */
async function answer(files) {
  const model = await ready;
  for (const picture of files) {
    try {
      const predictions = await model.classify(picture, { top: 3 });
      say(`${picture.name}: ${predictions.map(shown).join(', ')}`);
    } catch (error) {
      say(`${picture.name}: ${error.message}`);
    }
  }
}

const shown = ({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`;

function say(text) {
  answers.append(Object.assign(document.createElement('li'), { textContent: text }));
}

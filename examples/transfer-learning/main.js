import { load, readNetwork, writeNetwork } from 'depthwise';
import address from 'depthwise/assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors?url';
import { webcam } from 'depthwise/browser';
import { nearestNeighbours, trainHead, withHead } from 'depthwise/training';

// The model in the package has seen pictures of 32×32 only. One of ImageNet at 224×224 tells more apart: put its address here.
const model = await load(address);

/** What was shown while a button was held: features of a frame, and the button's label. */
const examples = [];
let held;
let head; // the trained classifier, a network from features to labels
let classifier; // the same, loaded

const element = (id) => document.getElementById(id);
const shown = ([best]) => `${best.label}, ${(100 * best.probability).toFixed(0)} %`;

for (const button of document.querySelectorAll('[data-label]')) {
  button.addEventListener('pointerdown', () => {
    held = button.dataset.label;
  });
  for (const end of ['pointerup', 'pointerleave', 'pointercancel']) {
    button.addEventListener(end, () => {
      held = undefined;
    });
  }
}

const tell = (error) => {
  element('problem').textContent = error.message;
};
const onClick = (id, action) => element(id).addEventListener('click', () => action().catch(tell));

onClick('train', async () => {
  head = await trainHead(examples);
  classifier?.dispose();
  classifier = await load(head);
  element('save').disabled = false;
});

/** One file from pictures to your labels: `load` and `depthwise classify` take it. */
onClick('save', async () => {
  const base = await readNetwork(await (await fetch(address)).arrayBuffer());
  const bytes = await writeNetwork(withHead(base, head), 'safetensors', { kernels: 'float16' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = 'taught.safetensors';
  link.click();
  URL.revokeObjectURL(link.href);
});

async function learn() {
  for await (const { video } of webcam({ video: element('video') })) {
    const features = await model.embed(video);
    if (held) examples.push({ features, label: held });
    if (examples.length === 0) continue;
    const labels = new Set(examples.map(({ label }) => label));
    element('neighbours').value = `${shown(nearestNeighbours(examples, features))} of ${examples.length} examples`;
    element('train').disabled = labels.size < 2;
    if (classifier) element('head').value = shown(await classifier.classify(features));
  }
}

learn().catch(tell);

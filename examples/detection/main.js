import { createWorker, watch, webcam } from 'depthwise/browser';
import { parseLabels } from 'depthwise/tasks';

const page = Object.fromEntries([...document.querySelectorAll('[id]')].map((element) => [element.id, element]));
const context = page.canvas.getContext('2d');
const worker = createWorker();
let model;
let labels;
let picture;
let camera;

/** Runs `work`; what goes wrong is said on the page. */
const trying = async (work) => {
  try {
    await work();
  } catch (error) {
    page.answer.value = error.message;
  }
};

page.model.onchange = () =>
  trying(async () => {
    model?.dispose();
    model = await worker.load(page.model.files[0]);
    page.answer.value = `${model.name}. Choose a picture, or the camera.`;
    await again();
  });
page.labels.onchange = () =>
  trying(async () => {
    labels = parseLabels(await page.labels.files[0].text(), page.labels.files[0].name);
    await again();
  });
page.picture.onchange = () =>
  trying(async () => {
    camera?.abort();
    picture = await createImageBitmap(page.picture.files[0]);
    await again();
  });
for (const input of [page.score, page.overlap, page.show, page.class]) input.oninput = () => trying(again);

/** Asks about the picture once more. */
async function again() {
  if (model === undefined || picture === undefined) return;
  draw(picture, picture.width, picture.height, await ask(picture));
}

/** The boxes that the page's sliders ask for; of the map those of one class alone, before suppression. */
function ask(shown) {
  const kind = page.show.value;
  const only = kind === 'map' && page.class.value !== '' ? [numberOr(page.class.value)] : undefined;
  return model.detect(shown, {
    scoreThreshold: kind === 'map' ? 0.02 : Number(page.score.value),
    ...(kind === 'kept' ? { iouThreshold: Number(page.overlap.value) } : { nms: 'none', maxResults: 2000 }),
    ...(only && { only }),
    ...(labels && { labels }),
  });
}

const numberOr = (text) => (/^\d+$/.test(text) ? Number(text) : text);

function draw(shown, width, height, boxes) {
  Object.assign(page.canvas, { width, height });
  context.drawImage(shown, 0, 0, width, height);
  context.lineWidth = Math.max(width / 300, 1);
  context.font = `${Math.max(width / 40, 10)}px sans-serif`;
  for (const { box, label, score, classIndex } of [...boxes].reverse()) {
    const hue = (classIndex * 47) % 360;
    if (page.show.value === 'map') {
      context.fillStyle = `hsl(${hue} 100% 50% / ${score / 2})`; // the surer, and the more boxes, the stronger
      context.fillRect(box.x, box.y, box.width, box.height);
      continue;
    }
    context.strokeStyle = context.fillStyle = `hsl(${hue} 100% 40%)`;
    context.strokeRect(box.x, box.y, box.width, box.height);
    if (page.show.value === 'kept') context.fillText(`${label} ${Math.round(100 * score)} %`, box.x + 4, box.y + 14);
  }
  const first = boxes.slice(0, 5).map(({ label, score }) => `${label} ${Math.round(100 * score)} %`);
  page.answer.value = `${boxes.length} ${boxes.length === 1 ? 'box' : 'boxes'}: ${first.join(', ')}`;
}

page.camera.onclick = () =>
  trying(async () => {
    if (model === undefined) throw new Error('Choose a detector first.');
    camera?.abort();
    camera = new AbortController();
    picture = undefined;
    const { signal } = camera;
    const frames = webcam({ signal });
    const { value: first } = await frames.next(); // opens the camera
    const video = first?.video; // none where Stop came before the camera
    if (video) await watch(video, ask, (boxes, { width, height }) => draw(video, width, height, boxes), { signal });
    page.answer.value = 'Stopped.';
  });
page.stop.onclick = () => camera?.abort();

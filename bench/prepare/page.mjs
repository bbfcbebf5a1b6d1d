/** What chromium.mjs measures in the page. */
import { load } from 'depthwise';
import { fromElement, prepareElement } from 'depthwise/image/browser';
import { preprocessingPreset } from 'depthwise/network';
import { preprocess } from '../../dist/image/preprocess.js';

const PRESETS = ['slim', 'keras', 'timm', 'tfjs'];

/** A film of a canvas, which draws something else each time. */
async function film(width, height) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream() });
  const draw = (frame) => {
    for (let i = 0; i < 50; i++) {
      context.fillStyle = `hsl(${(i * 37 + frame * 11) % 360} 80% 50%)`;
      context.fillRect((i * 97) % width, (i * 53 + frame) % height, 120, 90);
    }
  };
  const shown = new Promise((resolve) => video.addEventListener('loadeddata', resolve, { once: true }));
  void video.play();
  draw(0);
  await shown;
  return { video, draw };
}

const WAYS = {
  'fromElement, preprocess': (video, preprocessing) => preprocess(fromElement(video), preprocessing),
  prepareElement: (video, preprocessing, into) => prepareElement(video, preprocessing, {}, into),
  "prepareElement, scaling: 'canvas'": (video, preprocessing, into) =>
    prepareElement(video, preprocessing, { scaling: 'canvas' }, into),
};

async function frames(count) {
  const rows = {};
  for (const [width, height] of [
    [640, 480],
    [1280, 720],
  ]) {
    const { video, draw } = await film(width, height);
    for (const preset of PRESETS) {
      const preprocessing = preprocessingPreset(preset, [224, 224]);
      const into = await prepareElement(video, preprocessing);
      const times = Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]));
      for (let frame = 0; frame < count; frame++) {
        draw(frame);
        await new Promise(requestAnimationFrame);
        for (const [way, run] of Object.entries(WAYS)) {
          const start = performance.now();
          await run(video, preprocessing, into);
          times[way].push(performance.now() - start);
        }
      }
      const cells = Object.entries(times).map(([way, list]) => {
        list.sort((a, b) => a - b);
        return [way, `${list[list.length >> 1].toFixed(1)} (${list[0].toFixed(1)})`];
      });
      rows[`${width}×${height} ${preset}`] = Object.fromEntries(cells);
    }
  }
  return rows;
}

async function accuracy(file, pictures) {
  const model = await load(file, { preprocessing: 'keras' });
  const ways = {
    "scaling: 'exact'": {},
    "scaling: 'canvas'": { scaling: 'canvas' },
  };
  const rows = Object.fromEntries(Object.keys(ways).map((way) => [way, { first: 0, 'among five': 0, 'as exact': 0 }]));
  for (const [address, wanted] of pictures) {
    const image = new Image();
    image.src = address;
    await image.decode();
    let exact;
    for (const [way, options] of Object.entries(ways)) {
      const found = (await model.classify(image, { top: 5, ...options })).map(({ index }) => index);
      exact ??= found[0];
      rows[way].first += Number(found[0] === wanted);
      rows[way]['among five'] += Number(found.includes(wanted));
      rows[way]['as exact'] += Number(found[0] === exact);
    }
  }
  return rows;
}

globalThis.bench = { frames, accuracy };

/**
 * The script of the page and of the service worker of `browser.test.ts`. The page asks a model about everything that it has, and leaves what came of it in
 * `answer`; the service worker reads one file of each format with the static readers.
 */
import { keras } from '../../src/formats/readers/keras.js';
import { npz } from '../../src/formats/readers/npz.js';
import { onnx } from '../../src/formats/readers/onnx.js';
import { safetensors } from '../../src/formats/readers/safetensors.js';
import { tfjs } from '../../src/formats/readers/tfjs.js';
import { tflite } from '../../src/formats/readers/tflite.js';
import { clearCache, isCached, load } from '../../src/load/index.js';
import type { LoadProgress, Model, ModelInput } from '../../src/load/model.js';
import { load as loadStatic } from '../../src/load/static.js';
import { FILES } from './files.js';

export interface PageAnswer {
  /** Of each input, by its name. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly errors: Readonly<Record<string, string>>;
  readonly progress: readonly LoadProgress[];
  /** Before loading with a cache, after it, and once it was cleared. */
  readonly cached: readonly boolean[];
  readonly tfjs: readonly number[];
  readonly target: string;
  readonly serviceWorker: Readonly<Record<string, readonly number[]>>;
  /** Of bitmaps and frames, after they were inputs: they are not closed. */
  readonly open: readonly boolean[];
  readonly aborted: string;
  /** Bytes of the heap after 200 and after all classifications, where the browser says. */
  readonly heap: readonly number[];
}

declare global {
  var loadAnswer: PageAnswer | { readonly error: string } | undefined;
}

/** Bits that are the same on every machine; MobileNet's own preprocessing for files that cannot state it. */
const options = { target: 'simd', preprocessing: 'keras' } as const;

const numbers = async (model: Model, input: ModelInput) => Array.from((await model.probabilities(input)).data);

const message = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: Error) => `${error.name}: ${error.message}`,
  );

async function ask(): Promise<PageAnswer> {
  const integrity = new URLSearchParams(location.search).get('integrity')!;
  const turns = Number(new URLSearchParams(location.search).get('turns'));
  const progress: LoadProgress[] = [];
  const address = 'files/small.safetensors';
  const cached = [await isCached(address)];
  const first = { cache: true, integrity, onProgress: (one: LoadProgress) => progress.push(one) };
  (await load(address, { ...options, ...first })).dispose();
  const model = await load(address, { ...options, cache: true, integrity });
  cached.push(await isCached(new URL(address, location.href)));
  await model.embed(new ImageData(1, 1), { layer: 'conv1' }); // read again, from the cache
  await clearCache();
  cached.push(await isCached(address));

  const { inputs, open } = await askAll(model);
  const stop = new AbortController();
  const aborted = message(load('files/slow.safetensors', { signal: stop.signal }));
  stop.abort(new Error('enough'));
  const heap: number[] = [];
  if (turns > 0) {
    const image = new ImageData(64, 48);
    for (let i = 0; i < turns; i++) {
      if (i === 200) heap.push(heapBytes());
      await model.classify(image);
    }
    heap.push(heapBytes());
  }
  return {
    inputs,
    open,
    heap,
    progress,
    cached,
    errors: await errorsOf(model),
    tfjs: await numbers(await load('files/tfjs/model.json', options), 'files/noise.png'),
    target: model.report().target,
    serviceWorker: await askServiceWorker(),
    aborted: await aborted,
  };
}

function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return (performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize ?? 0;
}

async function askAll(model: Model): Promise<Pick<PageAnswer, 'inputs' | 'open'>> {
  const png = await (await fetch('files/noise.png')).blob();
  const image = new Image();
  image.src = 'files/noise.png';
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  const imageData = context.getImageData(0, 0, canvas.width, canvas.height);
  const offscreen = new OffscreenCanvas(canvas.width, canvas.height);
  offscreen.getContext('2d')!.drawImage(image, 0, 0);
  const bitmap = await createImageBitmap(png);
  const frame = new VideoFrame(canvas, { timestamp: 0 });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const inSvg = document.createElementNS('http://www.w3.org/2000/svg', 'image');
  const shown = new Promise((resolve) => inSvg.addEventListener('load', resolve));
  inSvg.setAttribute('href', 'files/noise.png');
  for (const side of ['width', 'height']) inSvg.setAttribute(side, '10'); // its box, not the picture's size
  document.body.append(svg);
  svg.append(inSvg);
  await shown;

  const given: Record<string, unknown> = {
    ImageData: imageData,
    picture: { width: imageData.width, height: imageData.height, channels: 4, data: imageData.data },
    img: image,
    svg: inSvg,
    canvas,
    OffscreenCanvas: offscreen,
    ImageBitmap: bitmap,
    VideoFrame: frame,
    Blob: png,
    File: new File([png], 'noise.png'),
    bytes: new Uint8Array(await png.arrayBuffer()),
    buffer: await png.arrayBuffer(),
    address: 'files/noise.png',
    URL: new URL('files/noise.png', location.href),
  };
  const inputs: Record<string, number[]> = {};
  for (const [name, input] of Object.entries(given)) inputs[name] = await numbers(model, input as ModelInput);
  const open = [bitmap.width > 0, frame.displayWidth > 0];
  frame.close();
  return { inputs, open };
}

async function errorsOf(model: Model): Promise<PageAnswer['errors']> {
  const broken = new Image();
  broken.src = 'files/none.png';
  await broken.decode().catch(() => {});
  const closed = await createImageBitmap(new ImageData(1, 1));
  closed.close();
  const given: Record<string, unknown> = {
    null: null,
    selector: '#photo',
    'an address of nothing': 'files/none.png',
    'an address of a page': './',
    'an image that is broken': broken,
    'a video without film': document.createElement('video'),
    'an empty canvas': Object.assign(document.createElement('canvas'), { width: 0 }),
    'a closed bitmap': closed,
    'a blob of text': new Blob(['hello'], { type: 'text/plain' }),
    'an SVG file': new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>']),
    'a list of elements': document.querySelectorAll('body'),
    'a div': document.createElement('div'),
  };
  const errors: Record<string, string> = {};
  for (const [name, input] of Object.entries(given)) errors[name] = await message(model.classify(input as never));
  errors['a page in place of a model'] = await message(load('./'));
  errors['a name in place of a model'] = await message(load('mobilenet_v1_0.3_224'));
  errors['no model'] = await message(load('files/none.tflite'));
  return errors;
}

async function askServiceWorker(): Promise<PageAnswer['serviceWorker']> {
  await navigator.serviceWorker.register('script.js');
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data));
    active!.postMessage('read', [port2]);
  });
}

async function readAll(): Promise<PageAnswer['serviceWorker']> {
  const readers = [keras, npz, onnx, safetensors, tfjs, tflite];
  const answers: Record<string, number[]> = {};
  for (const [format, file] of Object.entries(FILES)) {
    const model = await loadStatic(`files/${file}`, { ...options, readers });
    answers[format] = await numbers(model, 'files/noise.png');
    model.dispose();
  }
  return answers;
}

if (typeof document === 'undefined') {
  addEventListener('message', (event) => {
    const { ports, waitUntil } = event as MessageEvent & { waitUntil?: (done: Promise<void>) => void };
    const done = readAll().then(
      (answers) => ports[0].postMessage(answers),
      (error: unknown) => ports[0].postMessage({ error: String(error) }),
    );
    waitUntil?.call(event, done);
  });
} else {
  addEventListener('load', () => {
    ask().then(
      (answer) => {
        globalThis.loadAnswer = answer;
      },
      (error: Error) => {
        globalThis.loadAnswer = { error: `${error.stack ?? error}` };
      },
    );
  });
}

/**
 * Frames a second of a detector in Chromium, from a film of 640 × 480, in the page and in a worker.
 *
 *   npm run bench:detection:chromium -- [--model FILE.tflite] [--seconds 5]
 */
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { loadavg } from 'node:os';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const SSD = 'ssd_mobilenet_v1_0.75_300_coco_quant.tflite';
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(process.env.DEPTHWISE_DATA ?? '', 'models', SSD) },
    seconds: { type: 'string', default: '5' },
  },
});
const TYPES = { '.js': 'text/javascript', '.html': 'text/html' };
const server = createServer(({ url }, response) => {
  const file = url === '/model.tflite' ? values.model : join(process.cwd(), decodeURI(url));
  if (url === '/') response.setHeader('content-type', 'text/html').end('<!doctype html><title>film</title>');
  else if (existsSync(file)) {
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  } else response.writeHead(404).end();
});
await new Promise((resolve) => server.listen(0, 'localhost', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
});
const page = await browser.newPage();
await page.goto(`http://localhost:${server.address().port}/`);
const found = await page.evaluate(`(async () => {
  const { load } = await import('/dist/index.js');
  const { createWorker, watch } = await import('/dist/browser/index.js');
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
  const context = canvas.getContext('2d');
  const image = new Image();
  image.src = '/assets/pictures/coffee.jpg';
  await image.decode();
  let shown = 0;
  const draw = () => context.drawImage(image, (shown++ % 60) - 30, 0, 700, 480);
  draw();
  setInterval(draw, 16);
  const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream() });
  document.body.append(video);
  await video.play();
  const perSecond = async (model) => {
    await model.detect(video);
    const end = new AbortController();
    let answers = 0;
    const began = performance.now();
    setTimeout(() => end.abort(), ${1000 * Number(values.seconds)});
    await watch(video, (frame) => model.detect(frame), () => answers++, { signal: end.signal });
    return (1000 * answers) / (performance.now() - began);
  };
  const here = await perSecond(await load('/model.tflite'));
  const worker = await perSecond(await createWorker().load('/model.tflite'));
  return { here, worker };
})()`);
console.log(`Chromium ${browser.version()}, load ${loadavg()[0].toFixed(1)}: ${values.model}`);
console.log(`in the page ${found.here.toFixed(1)} frames a second, in a worker ${found.worker.toFixed(1)}`);
await browser.close();
server.close();

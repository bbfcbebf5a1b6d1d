/** What the tests of grabbing ask of a page: it makes its own pictures, and answers with numbers and the texts of errors. */
import {
  fromElement,
  type GrabOptions,
  grab,
  type PictureSource,
  prepare,
  prepareElement,
} from '../../src/image/browser.js';
import { preprocess } from '../../src/image/preprocess.js';
import type { Preprocessing } from '../../src/network/conventions.js';
import { preprocessingPreset, presetNames } from '../../src/network/presets.js';

const WIDTH = 97;
const HEIGHT = 71;

const svg = (width: number, height: number, content: string) =>
  `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${content}</svg>`)}`;

/** Left half red, right half blue. */
const halves = (width: number, height: number) =>
  svg(
    width,
    height,
    `<rect width="${width / 2}" height="${height}" fill="red"/><rect x="${width / 2}" width="${width / 2}" height="${height}" fill="blue"/>`,
  );

async function imageOf(src: string, crossOrigin?: string): Promise<HTMLImageElement> {
  const image = new Image();
  if (crossOrigin !== undefined) image.crossOrigin = crossOrigin;
  image.src = src;
  await image.decode();
  return image;
}

/** Noise, some of it transparent. */
function noisy(): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = context.createImageData(WIDTH, HEIGHT);
  for (let i = 0; i < image.data.length; i++)
    image.data[i] = i % 4 === 3 && i % 7 > 0 ? 255 : (i * 7919 + (i * i) / 8) & 255;
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A film of a canvas, stopped at its first frame. */
async function filmOf(canvas: HTMLCanvasElement): Promise<HTMLVideoElement> {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream();
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const shown = new Promise((resolve) => video.addEventListener('loadeddata', resolve, { once: true }));
  void video.play();
  context.fillRect(0, 0, 1, 1); // a stream has a frame when the canvas changes
  await shown;
  video.pause();
  return video;
}

async function sources(): Promise<Record<string, PictureSource>> {
  const canvas = noisy();
  const offscreen = new OffscreenCanvas(WIDTH, HEIGHT);
  (offscreen.getContext('2d') as OffscreenCanvasRenderingContext2D).drawImage(canvas, 0, 0);
  return {
    canvas,
    offscreen,
    image: await imageOf(canvas.toDataURL()),
    bitmap: await createImageBitmap(canvas),
    frame: new VideoFrame(canvas, { timestamp: 0 }),
    video: await filmOf(noisy()),
    svg: await imageOf(halves(WIDTH, HEIGHT)),
  };
}

const VIEWS: readonly GrabOptions[] = [
  {},
  { alpha: 'white' },
  { mirror: true },
  { rotation: 90 },
  { rotation: 270, mirror: true },
  { region: { left: 11, top: 5, width: 64, height: 50 }, rotation: 180 },
];

/** Every combination whose numbers are not the readable rules' numbers for the whole element. */
async function exactness(): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, source] of Object.entries(await sources())) {
    const picture = fromElement(source);
    for (const preset of presetNames) {
      for (const options of VIEWS) {
        const preprocessing = preprocessingPreset(preset, [24, 24]);
        const { scaling: _, ...seen } = options;
        const wanted = preprocess(picture, preprocessing, seen).data;
        const found = (await prepareElement(source, preprocessing, options)).data;
        if (wanted.some((value, i) => value !== found[i])) wrong.push(`${name}, ${preset}, ${JSON.stringify(options)}`);
      }
    }
  }
  return wrong;
}

async function messageOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'no error';
  } catch (error) {
    return (error as Error).message;
  }
}

/** The texts of errors, by what is wrong. `foreign` is the address of a picture of another site. */
async function errors(foreign: string): Promise<Record<string, string>> {
  const pending = new Image();
  pending.src = `${foreign}?slow`;
  const broken = new Image();
  await messageOf(() => {
    broken.src = 'data:image/png,nothing';
    return broken.decode();
  });
  const bitmap = await createImageBitmap(noisy());
  bitmap.close();
  const frame = new VideoFrame(noisy(), { timestamp: 0 });
  frame.close();
  const tainted = noisy();
  tainted.getContext('2d')?.drawImage(await imageOf(foreign), 0, 0);
  const svgImage = () => document.createElementNS('http://www.w3.org/2000/svg', 'image');
  const unloaded = svgImage();
  unloaded.setAttribute('href', 'data:image/png,nothing');
  const broad = await imageOf(svg(70_000, 100, '<rect width="70000" height="100" fill="red"/>'));
  const states: Record<string, unknown> = {
    pending,
    broken,
    empty: new Image(),
    video: document.createElement('video'),
    bitmap,
    frame,
    canvas: Object.assign(document.createElement('canvas'), { width: 0 }),
    foreign: await imageOf(foreign),
    tainted,
    svg: svgImage(),
    unloaded,
    broad,
    null: null,
    selector: '#img',
    list: document.getElementsByTagName('html'),
    otherwise: document.body,
  };
  const texts: Record<string, string> = {};
  const preprocessing = preprocessingPreset('keras', [8, 8]);
  for (const [name, state] of Object.entries(states)) {
    texts[name] = await messageOf(() => fromElement(state as PictureSource));
    const grabbed = await messageOf(() => grab(state as PictureSource));
    if (grabbed !== texts[name]) texts[`${name}, grab`] = grabbed;
    if (name === 'broad') continue; // is drawn smaller
    const prepared = await messageOf(() => prepareElement(state as PictureSource, preprocessing));
    if (prepared !== texts[name]) texts[`${name}, prepareElement`] = prepared;
  }
  texts.afterwards = await messageOf(() => fromElement(noisy()));
  return texts;
}

const bytesAt = (side: number): Preprocessing => ({
  ...preprocessingPreset('keras', [side, side]),
  scale: 1,
  mean: [0, 0, 0],
});

type Size = readonly [width: number, height: number];

/** Larger than any canvas, or than is safe: largest difference, of 255, to the same drawing at a size that is exact. */
async function large(): Promise<Record<string, number>> {
  const cropped = bytesAt(32);
  const stretched: Preprocessing = { ...cropped, crop: { kind: 'stretch' } };
  const difference = async (size: Size, exact: Size, how: Preprocessing, options: GrabOptions = {}) => {
    const found = (await prepareElement(await imageOf(halves(...size)), how, options)).data;
    const wanted = (await prepareElement(await imageOf(halves(...exact)), how, options)).data;
    return Math.max(...Array.from(found, (value, i) => Math.abs(value - wanted[i])));
  };
  return {
    '8000×6000, cropped': await difference([8000, 6000], [800, 600], cropped),
    '8000×6000, cropped and turned': await difference([8000, 6000], [800, 600], cropped, { rotation: 90 }),
    '70000×100': await difference([70_000, 100], [350, 100], stretched),
    '70000×100, turned and mirrored': await difference([70_000, 100], [350, 100], stretched, {
      rotation: 270,
      mirror: true,
    }),
  };
}

/** Whether a canvas that scales by itself makes something near what the rule makes, and mirrors and turns it alike. */
async function canvasScaling(): Promise<number[]> {
  const image = await imageOf(
    svg(
      640,
      480,
      '<circle cx="250" cy="200" r="150" fill="red"/><rect x="300" y="50" width="200" height="300" fill="blue"/>',
    ),
  );
  const preprocessing = bytesAt(64);
  const means = VIEWS.slice(0, 5).map(async (options) => {
    const { scaling: _, ...seen } = options;
    const exact = prepare(fromElement(image), preprocessing, seen).data;
    const other = (await prepareElement(image, preprocessing, { ...options, scaling: 'canvas' })).data;
    return Array.from(exact).reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0) / exact.length;
  });
  return Promise.all(means);
}

export const page = { exactness, errors, large, canvasScaling };

declare global {
  var grabbing: typeof page;
}

globalThis.grabbing = page;

/** What the tests of frames ask of a page: whether copied pixels are the canvas's, and how many copies, drawings, buffers and frames there were. */
import { fromElement, type GrabOptions, grab, prepareElement } from '../../src/image/browser.js';
import { preprocess } from '../../src/image/preprocess.js';
import { preprocessingPreset } from '../../src/network/presets.js';

const SIZES = [
  [96, 64],
  [97, 71],
] as const;

/** Bytes of a frame of each format, by its size; 2 × 2 pixels of 4:2:0 share a colour, and one at the border has one too. */
const BYTES: Readonly<Record<string, (width: number, height: number) => number>> = {
  I420: (w, h) => w * h + 2 * Math.ceil(w / 2) * Math.ceil(h / 2),
  NV12: (w, h) => w * h + 2 * Math.ceil(w / 2) * Math.ceil(h / 2),
  I422: (w, h) => w * h + 2 * Math.ceil(w / 2) * h,
  I444: (w, h) => 3 * w * h,
  RGBX: (w, h) => 4 * w * h,
  RGBA: (w, h) => 4 * w * h,
};

const spaceOf = (matrix: string, primaries: string, transfer: string, fullRange: boolean) =>
  ({ matrix, primaries, transfer, fullRange }) as VideoColorSpaceInit;

const SPACES: Readonly<Record<string, VideoColorSpaceInit>> = {
  'BT.601, limited': spaceOf('smpte170m', 'smpte170m', 'smpte170m', false),
  'BT.601, full': spaceOf('smpte170m', 'smpte170m', 'smpte170m', true),
  JPEG: spaceOf('smpte170m', 'bt709', 'iec61966-2-1', true),
  'BT.709, limited': spaceOf('bt709', 'bt709', 'bt709', false),
  'BT.709, full': spaceOf('bt709', 'bt709', 'bt709', true),
  'BT.2020': spaceOf('bt2020-ncl', 'bt2020', 'bt709', false),
};

const VIEWS: readonly GrabOptions[] = [
  {},
  { mirror: true },
  { rotation: 90 },
  { region: { left: 11, top: 5, width: 51, height: 31 } },
  { region: { left: 30, top: 33, width: 66, height: 31 }, rotation: 270, mirror: true },
];

interface Kind {
  readonly format?: string;
  readonly size?: readonly [width: number, height: number];
  readonly colorSpace?: VideoColorSpaceInit;
  readonly seed?: number;
  readonly more?: object;
}

/** Seeded noise in every plane, so all colours. Seed 0 is black in full range: a plane of 0, then 128. */
function frameOf({ format = 'I420', size: [width, height] = [96, 64], seed = 1, more, ...rest }: Kind): VideoFrame {
  const data = new Uint8Array(BYTES[format](width, height));
  let state = seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = seed === 0 ? (i < width * height ? 0 : 128) : state >>> 24;
  }
  const init = { format, codedWidth: width, codedHeight: height, timestamp: 0, ...rest, ...more };
  return new VideoFrame(data, init as VideoFrameBufferInit);
}

const preprocessing = preprocessingPreset('tfjs', [24, 24]);

/** Whether a frame's input tensor is the one of the readable rules for the canvas's pixels. */
async function isRight(frame: VideoFrame, options: GrabOptions = {}): Promise<boolean> {
  const { scaling: _, ...seen } = options;
  const wanted = preprocess(fromElement(frame), preprocessing, seen).data;
  const found = (await prepareElement(frame, preprocessing, options)).data;
  return wanted.every((value, i) => value === found[i]);
}

/** Calls of a method while `act` runs, with their first arguments. `instead` may answer in its place. */
async function callsOf<Host extends object>(
  host: Host,
  name: keyof Host,
  act: () => Promise<unknown>,
  instead?: (original: () => unknown, args: unknown[]) => unknown,
): Promise<unknown[]> {
  const original = host[name] as (...args: unknown[]) => unknown;
  const firsts: unknown[] = [];
  host[name] = function (this: unknown, ...args: unknown[]) {
    firsts.push(args[0]);
    const call = () => original.apply(this, args);
    return instead ? instead(call, args) : call();
  } as Host[keyof Host];
  try {
    await act();
  } finally {
    host[name] = original as Host[keyof Host];
  }
  return firsts;
}

const drawings = async (act: () => Promise<unknown>): Promise<number> =>
  (await callsOf(OffscreenCanvasRenderingContext2D.prototype, 'drawImage', act)).length;

/** Every combination whose numbers differ from the canvas's, or that is drawn once its kind is known. */
async function exactness(): Promise<string[]> {
  const wrong: string[] = [];
  for (const format of ['I420', 'NV12', 'I422', 'I444', 'RGBX']) {
    for (const [space, colorSpace] of Object.entries(SPACES)) {
      for (const size of SIZES) {
        const frame = frameOf({ format, size, colorSpace });
        for (const options of VIEWS) {
          const name = `${format}, ${space}, ${size}, ${JSON.stringify(options)}`;
          if (!(await isRight(frame, options))) wrong.push(name);
          const drawn = await drawings(() => prepareElement(frame, preprocessing, options));
          // Chromium's canvas converts the primaries of RGB by other steps.
          if (drawn !== 0 && !(format === 'RGBX' && space === 'BT.2020')) wrong.push(`${name}: drawn`);
        }
        frame.close();
      }
    }
  }
  return wrong;
}

/** What a canvas turns, cuts, stretches or blends: [whether it is right, how often it is copied]. */
async function left(): Promise<Record<string, [right: boolean, copies: number]>> {
  const whole = frameOf({});
  const frames: Record<string, VideoFrame> = {
    turned: frameOf({ more: { rotation: 90 } }),
    'upside down': frameOf({ more: { rotation: 180 } }),
    flipped: frameOf({ more: { flip: true } }),
    cut: new VideoFrame(whole, { visibleRect: { x: 8, y: 4, width: 64, height: 48 } }),
    stretched: frameOf({ more: { displayWidth: 128, displayHeight: 64 } }),
    transparent: frameOf({ format: 'RGBA' }),
  };
  const found: Record<string, [boolean, number]> = {};
  for (const [name, frame] of Object.entries(frames)) {
    let right = true;
    const copies = await callsOf(VideoFrame.prototype, 'copyTo', async () => {
      for (const options of [{}, { mirror: true }, { region: { left: 3, top: 5, width: 40, height: 31 } }])
        right &&= await isRight(frame, options);
    });
    found[name] = [right, copies.length];
    frame.close();
  }
  whole.close();
  return found;
}

/** Browsers that copy otherwise than this one: [whether three frames are right, how often they are copied]. Each has a size of its own, so a new kind. */
async function otherBrowsers(): Promise<Record<string, [right: boolean, copies: number]>> {
  const { prototype } = VideoFrame;
  const three = async (size: [number, number], seeds = [1, 2, 3]): Promise<boolean> => {
    let right = true;
    for (const seed of seeds) {
      const frame = frameOf({ size, seed, colorSpace: SPACES.JPEG });
      right = (await isRight(frame)) && right;
      frame.close();
    }
    return right;
  };
  const found: Record<string, [boolean, number]> = {};
  const under = async (name: string, act: () => Promise<boolean>, instead: Parameters<typeof callsOf>[3]) => {
    let right = false;
    const copies = await callsOf(
      prototype,
      'copyTo',
      async () => {
        right = await act();
      },
      instead,
    );
    found[name] = [right, copies.length];
  };
  const otherColours = async (original: () => unknown, [bytes]: unknown[]) => {
    await original();
    const data = bytes as Uint8ClampedArray;
    for (let i = 0; i < data.length; i += 4) if (data[i] > 0) data[i] ^= 1;
  };
  await under('other colours', () => three([64, 32]), otherColours);
  await under('other colours, after a black frame', () => three([64, 34], [0, 1, 2]), otherColours);
  await under(
    'no copies',
    () => three([64, 36]),
    () => Promise.reject(new TypeError('not here')),
  );
  await under('this one', () => three([64, 38]), undefined);
  await callsOf(
    prototype,
    'allocationSize',
    () => under('without formats', () => three([64, 40]), undefined),
    () => BYTES.I420(64, 40),
  );
  const { VideoFrame: known } = globalThis;
  const frame = frameOf({ size: [64, 42] });
  Reflect.deleteProperty(globalThis, 'VideoFrame');
  found['without VideoFrame'] = [await isRight(frame), 0];
  frame.close();
  Object.assign(globalThis, { VideoFrame: known });
  return found;
}

/** Several frames at once, also with `grab`, whose pixels stay as they are: those that are wrong. */
async function atOnce(): Promise<number[]> {
  const frames = Array.from({ length: 6 }, (_, n) => frameOf({ size: [80, 60], seed: n + 1 }));
  const wanted = frames.map((frame) => preprocess(fromElement(frame), preprocessing).data);
  const kept = await grab(frames[0]);
  const wrong: number[] = [];
  for (let round = 0; round < 3; round++) {
    const found = await Promise.all(frames.map((frame) => prepareElement(frame, preprocessing)));
    found.forEach(({ data }, n) => {
      if (data.some((value, i) => value !== wanted[n][i])) wrong.push(n);
    });
  }
  const first = fromElement(frames[0]).data;
  if (kept.data.some((value, i) => value !== first[i])) wrong.push(-1);
  const again = await grab(frames[1], { into: kept });
  const second = fromElement(frames[1]).data;
  if (again.data !== kept.data || again.data.some((value, i) => value !== second[i])) wrong.push(-2);
  for (const frame of frames) frame.close();
  return wrong;
}

/** A frame that its owner closes while it is copied is right nevertheless, and stays open where nobody closes it. */
async function closing(): Promise<{ right: boolean; open: boolean }> {
  const kept = frameOf({});
  const wanted = preprocess(fromElement(kept), preprocessing).data;
  await prepareElement(kept, preprocessing);
  const frame = kept.clone();
  const promise = prepareElement(frame, preprocessing);
  frame.close();
  const found = (await promise).data;
  const open = kept.displayWidth > 0;
  kept.close();
  return { right: wanted.every((value, i) => value === found[i]), open };
}

/** A running film, prepared so many times: buffers that were written to, frames made, frames left open, and whether the last is right. */
async function film(count: number): Promise<{ buffers: number; made: number; open: number; right: boolean }> {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
  const context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
  const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream() });
  const paint = (n: number) => {
    for (let i = 0; i < 40; i++) {
      context.fillStyle = `hsl(${(i * 37 + n * 13) % 360} 80% 50%)`;
      context.fillRect((i * 97) % 320, (i * 53 + n) % 240, 60, 40);
    }
  };
  const shown = new Promise((resolve) => video.addEventListener('loadeddata', resolve, { once: true }));
  void video.play();
  paint(0);
  await shown;

  const made: VideoFrame[] = [];
  const { VideoFrame: known } = globalThis;
  class Counted extends known {
    constructor(source: HTMLVideoElement) {
      super(source);
      made.push(this);
    }
  }
  Object.assign(globalThis, { VideoFrame: Counted });
  const written = await callsOf(known.prototype, 'copyTo', async () => {
    for (let n = 0; n < count; n++) {
      paint(n);
      if (n % 20 === 0) await new Promise(requestAnimationFrame);
      await prepareElement(video, preprocessing);
    }
  });
  Object.assign(globalThis, { VideoFrame: known });
  video.pause();
  const wanted = preprocess(fromElement(video), preprocessing).data;
  const found = (await prepareElement(video, preprocessing)).data;
  return {
    buffers: new Set(written).size,
    made: made.length,
    open: made.filter(({ displayWidth }) => displayWidth > 0).length,
    right: wanted.every((value, i) => value === found[i]),
  };
}

export const page = { exactness, left, otherBrowsers, atOnce, closing, film };

declare global {
  var framing: typeof page;
}

globalThis.framing = page;

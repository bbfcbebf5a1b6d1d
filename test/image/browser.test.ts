/** The browser's side, with stand-ins for the platform: what is asked of it, at which size, and what its refusals become. */
import { afterEach, expect, test, vi } from 'vitest';
import { PictureError } from '../../src/errors.js';
import { fromBlob, fromElement, fromImageData, type PictureSource } from '../../src/image/browser.js';
import { checkPicture } from '../../src/image/picture.js';

const WANTED = 'wanted an <img>, SVG <image>, <video>, <canvas>, OffscreenCanvas, ImageBitmap or VideoFrame, found';

afterEach(() => vi.unstubAllGlobals());

/** A canvas that remembers its size and what was drawn, and whose pixels all have its width as red and height as green. */
function stubCanvas(read?: () => never, alpha = 255) {
  const drawn: unknown[][] = [];
  const made: number[][] = [];
  class Canvas {
    readonly width: number;
    readonly height: number;
    constructor(width: number, height: number) {
      this.width = width;
      this.height = height;
      made.push([width, height]);
    }
    getContext() {
      const { width, height } = this;
      return {
        drawImage: (...args: unknown[]) => drawn.push(args),
        fillRect: () => {},
        getImageData: () => {
          read?.();
          const data = new Uint8ClampedArray(width * height * 4);
          for (let i = 0; i < data.length; i++) data[i] = [width, height, 0, alpha][i % 4];
          return { width, height, data };
        },
      };
    }
  }
  vi.stubGlobal('OffscreenCanvas', Canvas);
  return { drawn, made, Canvas };
}

test('ImageData is a picture of four channels, and shares its bytes', () => {
  const data = Uint8ClampedArray.from([1, 2, 3, 4, 5, 6, 7, 8]);
  const picture = fromImageData({ width: 2, height: 1, data });
  expect(checkPicture(picture)).toEqual({ width: 2, height: 1, channels: 4, data });
  expect(picture.data).toBe(data);
});

/** Something of the platform's, by its tag. */
const like = (tag: string, fields: object): PictureSource => ({ ...fields, [Symbol.toStringTag]: tag }) as never;

// Each row has a width of its own, since canvases are kept by their size.
test.each([
  [
    'an image has its natural size, not that of its box',
    'HTMLImageElement',
    5,
    { naturalWidth: 5, naturalHeight: 3, width: 100, height: 50 },
  ],
  ['a video has its own size', 'HTMLVideoElement', 6, { readyState: 2, videoWidth: 6, videoHeight: 3, width: 100 }],
  ['a frame is as large as it is shown', 'VideoFrame', 7, { displayWidth: 7, displayHeight: 3, codedWidth: 16 }],
  ['a canvas has its size', 'HTMLCanvasElement', 9, { width: 9, height: 3 }],
  ['an OffscreenCanvas has its size', 'OffscreenCanvas', 10, { width: 10, height: 3 }],
  ['a bitmap has its size', 'ImageBitmap', 11, { width: 11, height: 3 }],
])('%s', (_, tag, width, fields) => {
  const { drawn } = stubCanvas();
  const source = like(tag, fields);
  const picture = fromElement(source);
  expect([picture.width, picture.height]).toEqual([width, 3]);
  expect(drawn).toEqual([[source, 0, 0, width, 3, 0, 0, width, 3]]);
  expect(Array.from(picture.data.slice(0, 4))).toEqual([width, 3, 0, 255]);
});

test('a region at another size is drawn by the canvas', () => {
  const { drawn } = stubCanvas();
  const source = like('ImageBitmap', { width: 9, height: 8 });
  const region = { left: 1, top: 2, width: 6, height: 4 };
  expect(fromElement(source, { region, size: [2, 3] })).toMatchObject({ width: 3, height: 2 });
  expect(drawn).toEqual([[source, 1, 2, 6, 4, 0, 0, 3, 2]]);
  expect(() => fromElement(source, { region: { ...region, left: 4 } })).toThrow(
    'crop: 6×4 pixels at (4, 2) do not lie inside a picture of 9×8',
  );
  expect(() => fromElement(source, { size: [0, 2] })).toThrow(
    'the new height must be a whole number of 1 or more, found 0',
  );
});

test('one canvas serves pictures of one size', () => {
  const { made } = stubCanvas();
  const source = like('ImageBitmap', { width: 31, height: 17 });
  fromElement(source);
  fromElement(source);
  expect(made.filter(([width]) => width === 31)).toHaveLength(1);
});

test('without OffscreenCanvas, a canvas element is used', () => {
  const { Canvas } = stubCanvas();
  vi.stubGlobal('OffscreenCanvas', undefined);
  vi.stubGlobal('document', { createElement: () => ({ getContext: Canvas.prototype.getContext }) });
  expect(fromElement(like('ImageBitmap', { width: 2, height: 4 }))).toMatchObject({ width: 2, height: 4, channels: 4 });
});

test('a blob is decoded upright, with its stored colours, and its bitmap is let go', async () => {
  stubCanvas();
  const close = vi.fn();
  const decode = vi.fn(async () => ({ width: 3, height: 2, close, [Symbol.toStringTag]: 'ImageBitmap' }));
  vi.stubGlobal('createImageBitmap', decode);
  const blob = new Blob(['…']);
  expect(await fromBlob(blob)).toMatchObject({ width: 3, height: 2, channels: 4 });
  expect(decode).toHaveBeenCalledWith(blob, {
    imageOrientation: 'from-image',
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
  });
  expect(close).toHaveBeenCalledOnce();
});

test('a blob that is no picture', async () => {
  vi.stubGlobal('createImageBitmap', async () => {
    throw new Error('The source image could not be decoded.');
  });
  await expect(fromBlob(new Blob(['<html>'], { type: 'text/html' }))).rejects.toThrow(
    "picture: the browser cannot decode 6 bytes of type 'text/html': The source image could not be decoded.",
  );
});

test.each<[string, unknown, string]>([
  [
    'an image that has not loaded',
    like('HTMLImageElement', { complete: false, currentSrc: 'a.png', naturalWidth: 0 }),
    'the <img> has not loaded yet; wait for its load event, or await img.decode()',
  ],
  [
    'a broken image',
    like('HTMLImageElement', { complete: true, currentSrc: 'https://x.org/a.png', naturalWidth: 0 }),
    'the <img> is broken: https://x.org/a.png is not there, is no picture, or is an SVG without width and height',
  ],
  [
    'an image of nothing',
    like('HTMLImageElement', { complete: true, currentSrc: '', naturalWidth: 0 }),
    'the <img> has no src',
  ],
  [
    'a video without a frame',
    like('HTMLVideoElement', { readyState: 1, videoWidth: 640, videoHeight: 480, error: null }),
    "the <video> has no frame yet; wait for its 'loadeddata' event",
  ],
  [
    'a video that cannot be played',
    like('HTMLVideoElement', { readyState: 0, videoWidth: 0, videoHeight: 0, error: { message: 'no decoder' } }),
    'the <video> cannot be played: no decoder',
  ],
  [
    'sound',
    like('HTMLVideoElement', { readyState: 4, videoWidth: 0, videoHeight: 0, error: null }),
    'the <video> has sound but no picture',
  ],
  [
    'a closed frame',
    like('VideoFrame', { displayWidth: 0, displayHeight: 0 }),
    'the VideoFrame is closed; classify it before frame.close()',
  ],
  [
    'a closed bitmap',
    like('ImageBitmap', { width: 0, height: 0 }),
    'the ImageBitmap is closed, or was sent to a worker; make another with createImageBitmap',
  ],
  ['an empty canvas', like('HTMLCanvasElement', { width: 0, height: 150 }), 'the canvas is empty: 0×150 pixels'],
  [
    'an SVG image, which a canvas draws stretched to its box',
    like('SVGImageElement', {}),
    'an SVG <image> is to be loaded at its own resolution first; await grab(image), or give an <img> with its href',
  ],
  ['null', null, `${WANTED} null; was the element in the document when it was looked for?`],
  ['undefined', undefined, `${WANTED} undefined`],
  ['a selector', '#img', `${WANTED} the text '#img'; document.querySelector finds the element of a selector`],
  [
    'what jQuery finds',
    { 0: like('HTMLImageElement', {}), length: 1 },
    `${WANTED} an Object that holds an HTMLImageElement; pass that, list[0]`,
  ],
  ['a file', new Blob(['']), `${WANTED} a Blob; fromBlob reads files`],
  ['ImageData', like('ImageData', {}), `${WANTED} an ImageData; fromImageData takes it`],
  ['another element', like('HTMLDivElement', {}), `${WANTED} an HTMLDivElement`],
])('%s', (_, source, message) => {
  stubCanvas();
  expect(() => fromElement(source as PictureSource)).toThrow(new PictureError(`picture: ${message}`));
});

test('a picture of another site', () => {
  stubCanvas(() => {
    throw new Error('tainted by cross-origin data');
  });
  expect(() => fromElement(like('ImageBitmap', { width: 1, height: 1 }))).toThrow(
    'picture: the browser does not let this page read the pixels; a picture from another site needs crossorigin="anonymous" and a server that allows it (tainted by cross-origin data)',
  );
});

test('a canvas that the browser refuses', () => {
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext = () => null;
    },
  );
  expect(() => fromElement(like('ImageBitmap', { width: 70_000, height: 70_000 }))).toThrow(
    'picture: the browser gives no 2D canvas of 70000×70000',
  );
});

test('a canvas that stays blank', () => {
  stubCanvas(undefined, 0);
  expect(() => fromElement(like('ImageBitmap', { width: 70_000, height: 1 }))).toThrow(
    "picture: this browser's canvas does not hold 70000×1 pixels; give a size or a region, or let a model prepare the element, which draws it smaller",
  );
});

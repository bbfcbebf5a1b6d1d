/** The browser's side, with stand-ins for the platform: what is asked of it, at which size, and what its refusals become. */
import { afterEach, expect, test, vi } from 'vitest';
import { fromBlob, fromElement, fromImageData, type PictureSource } from '../../src/image/browser.js';
import { checkPicture } from '../../src/image/picture.js';

afterEach(() => vi.unstubAllGlobals());

/** A canvas that remembers its size and what was drawn, and whose pixels all have its width as red and height as green. */
function stubCanvas(read?: () => never) {
  const drawn: unknown[][] = [];
  class Canvas {
    readonly width: number;
    readonly height: number;
    constructor(width: number, height: number) {
      this.width = width;
      this.height = height;
    }
    getContext() {
      const { width, height } = this;
      return {
        drawImage: (...args: unknown[]) => drawn.push(args),
        getImageData: () => {
          read?.();
          const data = new Uint8ClampedArray(width * height * 4);
          for (let i = 0; i < data.length; i++) data[i] = [width, height, 0, 255][i % 4];
          return { width, height, data };
        },
      };
    }
  }
  vi.stubGlobal('OffscreenCanvas', Canvas);
  return { drawn, Canvas };
}

test('ImageData is a picture of four channels, and shares its bytes', () => {
  const data = Uint8ClampedArray.from([1, 2, 3, 4, 5, 6, 7, 8]);
  const picture = fromImageData({ width: 2, height: 1, data });
  expect(checkPicture(picture)).toEqual({ width: 2, height: 1, channels: 4, data });
  expect(picture.data).toBe(data);
});

test.each([
  ['an image has its natural size, not that of its box', { naturalWidth: 5, naturalHeight: 3, width: 100, height: 50 }],
  ['a video has its own size', { videoWidth: 5, videoHeight: 3, width: 100, height: 50 }],
  ['a canvas or bitmap has its size', { width: 5, height: 3 }],
])('%s', (_, source) => {
  const { drawn } = stubCanvas();
  const picture = fromElement(source as unknown as PictureSource);
  expect([picture.width, picture.height]).toEqual([5, 3]);
  expect(drawn).toEqual([[source, 0, 0, 5, 3]]);
  expect(Array.from(picture.data.slice(0, 4))).toEqual([5, 3, 0, 255]);
});

test('without OffscreenCanvas, a canvas element is used', () => {
  const { Canvas } = stubCanvas();
  vi.stubGlobal('OffscreenCanvas', undefined);
  vi.stubGlobal('document', { createElement: () => ({ getContext: Canvas.prototype.getContext }) });
  expect(fromElement({ width: 2, height: 4 } as PictureSource)).toMatchObject({ width: 2, height: 4, channels: 4 });
});

test('a blob is decoded upright, with its stored colours, and its bitmap is let go', async () => {
  stubCanvas();
  const close = vi.fn();
  const decode = vi.fn(async () => ({ width: 3, height: 2, close }));
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

test('an image that has not loaded', () => {
  stubCanvas();
  expect(() => fromElement({ naturalWidth: 0, naturalHeight: 0 } as PictureSource)).toThrow(
    'picture: the element has no pixels yet; wait for its load event, or img.decode()',
  );
});

test('a picture of another site', () => {
  stubCanvas(() => {
    throw new Error('tainted by cross-origin data');
  });
  expect(() => fromElement({ width: 1, height: 1 } as PictureSource)).toThrow(
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
  expect(() => fromElement({ width: 70_000, height: 70_000 } as PictureSource)).toThrow(
    'picture: the browser gives no 2D canvas of 70000×70000',
  );
});

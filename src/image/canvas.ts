/** One canvas for all grabs, and what browsers refuse to do with it. */
import { PictureError } from '../errors.js';
import { tagOf } from '../found.js';
import type { WebBlob } from '../web-types.js';
import type { Picture, Region } from './picture.js';
import type { PictureSource } from './sources.js';

/** As much of the platform's types as is used. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d', options: object): Context | null;
}

interface Context {
  globalCompositeOperation: string;
  imageSmoothingQuality: string;
  fillRect(x: number, y: number, width: number, height: number): void;
  drawImage(source: unknown, ...places: readonly number[]): void;
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
}

/** Pixels and pixels a side up to which every platform's canvas is known to hold what is drawn: iOS Safari's limits. */
const SAFE_AREA = 2 ** 24;
const SAFE_SIDE = 2 ** 13;

/** A canvas of more pixels than this is not kept: 16 MB. */
const KEPT_AREA = 2 ** 22;

let canvas: Canvas | undefined;

/** Whether a canvas of this size is certain to hold what is drawn. */
export const isSafe = (width: number, height: number): boolean =>
  width * height <= SAFE_AREA && width <= SAFE_SIDE && height <= SAFE_SIDE;

/**
 * The rectangle of the source, drawn at [width, height] pixels, as RGBA, not premultiplied. At its own size nothing is interpolated.
 * Throws a PictureError where the browser cannot draw it, or does not let the page read it.
 */
export function draw(source: PictureSource, from: Region, width: number, height: number): Picture {
  const context = contextOf(width, height);
  if (!isSafe(width, height)) expectHeld(context, width, height);
  // As 'copy', what was there before does not show through.
  context.globalCompositeOperation = 'copy';
  context.imageSmoothingQuality = width === from.width && height === from.height ? 'low' : 'high';
  try {
    context.drawImage(source, from.left, from.top, from.width, from.height, 0, 0, width, height);
  } catch (cause) {
    throw new PictureError(`picture: the browser cannot draw this ${tagOf(source)}: ${(cause as Error).message}`, {
      cause,
    });
  }
  const { data } = read(context, 0, 0, width, height);
  if (canvas !== undefined && width * height > KEPT_AREA) canvas = undefined;
  return { width, height, channels: 4, data };
}

/** The decoded picture, upright and with its stored colours; whoever asks closes it. */
export async function bitmapOf(blob: WebBlob): Promise<PictureSource & { close(): void }> {
  try {
    return await createImageBitmap(blob as Blob, {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (cause) {
    const isSvg =
      /svg/.test(blob.type) || /^\uFEFF?\s*<(\?xml|svg|!--)/i.test(await (blob as Blob).slice(0, 100).text());
    const found = isSvg
      ? 'SVG; give an <img> with this src, which draws it'
      : `${blob.size} bytes of type '${blob.type}'`;
    throw new PictureError(`picture: the browser cannot decode ${found}: ${(cause as Error).message}`, { cause });
  }
}

/** Of the kept canvas, or of a new one where it has another size. */
function contextOf(width: number, height: number): Context {
  if (canvas?.width !== width || canvas.height !== height) canvas = newCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new PictureError(`picture: the browser gives no 2D canvas of ${width}×${height}`);
  return context;
}

function newCanvas(width: number, height: number): Canvas {
  const { OffscreenCanvas, document } = globalThis as unknown as {
    readonly OffscreenCanvas?: new (width: number, height: number) => Canvas;
    readonly document?: { createElement(name: string): Canvas };
  };
  if (OffscreenCanvas !== undefined) return new OffscreenCanvas(width, height);
  if (document === undefined) throw new PictureError('picture: there is no canvas here; pass ImageData or a Picture');
  return Object.assign(document.createElement('canvas'), { width, height });
}

function read(context: Context, x: number, y: number, width: number, height: number): { data: Uint8ClampedArray } {
  try {
    return context.getImageData(x, y, width, height);
  } catch (cause) {
    canvas = undefined; // what was drawn keeps it from being read ever again
    throw new PictureError(
      `picture: the browser does not let this page read the pixels; a picture from another site needs crossorigin="anonymous" and a server that allows it (${(cause as Error).message})`,
      { cause },
    );
  }
}

/** A canvas beyond the platform's limits takes every call and stays blank: so one dot, before a picture is drawn and answered wrongly. */
function expectHeld(context: Context, width: number, height: number): void {
  context.fillRect(width - 1, height - 1, 1, 1);
  let held = false;
  try {
    held = context.getImageData(width - 1, height - 1, 1, 1).data[3] === 255;
  } catch {}
  if (held) return;
  canvas = undefined;
  throw new PictureError(
    `picture: this browser's canvas does not hold ${width}×${height} pixels; give a size or a region, or let a model prepare the element, which draws it smaller`,
  );
}

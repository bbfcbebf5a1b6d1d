/**
 * Pictures in browsers and workers, decoded by the platform: nothing of Node is imported. Sizes are the file's own, never those that
 * CSS gives an element. The EXIF orientation is applied; colour profiles are not, where the browser allows to say so (files and
 * blobs). Decoders differ by a few levels of 255 from one browser to the next: compare networks from the same bytes.
 */
import { PictureError } from '../errors.js';
import type { Picture } from './picture.js';

export {
  type AlphaRule,
  arrange,
  checkPicture,
  crop,
  mirror,
  type Picture,
  type PictureOptions,
  type Region,
  type Rotation,
  swapRedAndBlue,
  toGrey,
  toRgb,
  turn,
} from './picture.js';
export { centralCrop, preprocess } from './preprocess.js';
export { resize, resizeRules } from './resize.js';
export { prepare } from './withKernels.js';

/** What a canvas yields: RGBA, not premultiplied. The bytes are shared, not copied. */
export function fromImageData({ width, height, data }: Omit<Picture, 'channels'>): Picture {
  return { width, height, channels: 4, data: data as Uint8ClampedArray };
}

/** The picture in a File, a Blob, or a fetched response's blob. Throws a PictureError where the browser cannot decode it. */
export async function fromBlob(blob: Blob): Promise<Picture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (cause) {
    const found = `${blob.size} bytes of type '${blob.type}'`;
    throw new PictureError(`picture: the browser cannot decode ${found}: ${(cause as Error).message}`, { cause });
  }
  try {
    return fromElement(bitmap);
  } finally {
    bitmap.close();
  }
}

export type PictureSource =
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | VideoFrame;

/** What an element shows, at its own resolution: an image's natural size, a video's current frame, a canvas. */
export function fromElement(source: PictureSource): Picture {
  const [width, height] = ownSize(source);
  if (!(width > 0 && height > 0)) {
    throw new PictureError('picture: the element has no pixels yet; wait for its load event, or img.decode()');
  }
  const context = canvas(width, height).getContext('2d', { willReadFrequently: true }) as
    | CanvasRenderingContext2D
    | OffscreenCanvasRenderingContext2D
    | null;
  if (context === null) throw new PictureError(`picture: the browser gives no 2D canvas of ${width}×${height}`);
  context.drawImage(source, 0, 0, width, height);
  try {
    return fromImageData(context.getImageData(0, 0, width, height));
  } catch (cause) {
    throw new PictureError(
      `picture: the browser does not let this page read the pixels; a picture from another site needs crossorigin="anonymous" and a server that allows it (${(cause as Error).message})`,
      { cause },
    );
  }
}

function ownSize(source: PictureSource): [width: number, height: number] {
  if ('naturalWidth' in source) return [source.naturalWidth, source.naturalHeight];
  if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
  if ('displayWidth' in source) return [source.displayWidth, source.displayHeight];
  return [source.width, source.height];
}

function canvas(width: number, height: number): OffscreenCanvas | HTMLCanvasElement {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

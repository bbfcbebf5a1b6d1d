/**
 * Pictures in browsers and workers, decoded by the platform: nothing of Node is imported. Sizes are the file's own, never those that
 * CSS gives an element. The EXIF orientation is applied; colour profiles are not, where the browser allows to say so (files and
 * blobs). Decoders differ by a few levels of 255 from one browser to the next: compare networks from the same bytes.
 */
import { expectOneOf } from '../checks.js';
import { PictureError } from '../errors.js';
import type { Preprocessing } from '../network/conventions.js';
import type { Pair } from '../padding.js';
import type { Tensor } from '../tensor.js';
import type { WebBlob } from '../web-types.js';
import { bitmapOf, draw, isSafe } from './canvas.js';
import { pixelsOf, reuse } from './frames.js';
import { gridOf, partOf, regionOf } from './grid.js';
import { resampleByKernels } from './kernels.js';
import { checkAlpha, checkRegion, crop, type Picture, type PictureOptions, type Region } from './picture.js';
import { fill, layoutOf, type Target } from './prepare.js';
import { channelCount, placement } from './preprocess.js';
import type { Numbers } from './resample.js';
import { checkSize } from './resize.js';
import { isSvgImage, type PictureSource, pictureOfSvgImage, sizeOfSource } from './sources.js';
import { prepare, targetOf } from './with-kernels.js';

export {
  type AlphaRule,
  crop,
  mirror,
  type Picture,
  type PictureOptions,
  type Region,
  type Rotation,
  turn,
} from './picture.js';
export { resize } from './resize.js';
export type { PictureSource } from './sources.js';
export { prepare };

/** What a canvas yields: RGBA, not premultiplied. The bytes are shared, not copied. */
export function fromImageData({ width, height, data }: Omit<Picture, 'channels'>): Picture {
  return { width, height, channels: 4, data: data as Uint8ClampedArray };
}

/** The picture in a File, a Blob, or a fetched response's blob. Throws a PictureError where the browser cannot decode it. */
export async function fromBlob(blob: WebBlob): Promise<Picture> {
  const bitmap = await bitmapOf(blob);
  try {
    return fromElement(bitmap);
  } finally {
    bitmap.close();
  }
}

export interface ElementOptions {
  /** The part that is wanted, in the element's own pixels; the whole unless stated. */
  readonly region?: Region;
  /** [height, width] at which the canvas draws it; its own size unless stated. How a canvas scales is up to the browser. */
  readonly size?: Pair;
}

/**
 * What an element shows (but for an SVG <image>, which `grab` loads), at its own resolution unless a size is stated: an image's natural size, a video's current frame, a canvas. Throws a
 * PictureError for what has no pixels (yet), what another site keeps from being read, and what is larger than the browser's canvas.
 */
export function fromElement(source: PictureSource, { region, size }: ElementOptions = {}): Picture {
  const [width, height] = sizeOfSource(source);
  if (region !== undefined) checkRegion({ width, height }, region);
  if (size !== undefined) checkSize(size);
  const from = region ?? { left: 0, top: 0, width, height };
  return draw(source, from, size?.[1] ?? from.width, size?.[0] ?? from.height);
}

export interface FrameOptions extends Pick<ElementOptions, 'region'> {
  /** An earlier picture that is not needed any more: its memory is used again where that fits. */
  readonly into?: Picture;
}

/**
 * As `fromElement`, with the same bytes, at the element's own size: what it shows when this is called. Films are copied without a canvas where the
 * browser can, in a third of the time or less.
 */
export async function grab(source: PictureSource, { region, into }: FrameOptions = {}): Promise<Picture> {
  if (isSvgImage(source))
    return grab(await pictureOfSvgImage(source), { ...(region && { region }), ...(into && { into }) });
  const [width, height] = sizeOfSource(source);
  if (region !== undefined) checkRegion({ width, height }, region);
  if (into !== undefined) reuse(into);
  const { picture, region: part } = await pixelsOf(source, region ?? { left: 0, top: 0, width, height });
  if (part.width === picture.width && part.height === picture.height) return picture;
  return crop(picture, part.top, part.left, part.height, part.width);
}

export interface GrabOptions extends PictureOptions {
  /**
   * 'exact', unless stated: the rules of the preprocessing, on the element's own pixels. 'canvas': the browser's canvas draws the part that
   * the crop keeps, to whole pixels, at the input's size. That takes about half the time of a film's frame, gives other numbers, and differs
   * from one browser to the next. MobileNet V1 0.25 @224 of Keras names 61 of 100 ImageNet pictures rightly then, and 62 by the exact rule;
   * 92 have the same first class (Chromium 156; npm run bench:prepare:chromium).
   */
  readonly scaling?: 'exact' | 'canvas';
}

/**
 * The input tensor [1, H, W, C] of what an element shows when this is called, by `prepare`. Only the pixels that the crop keeps are copied from the
 * browser. `into` is reused as in `prepare`. Rejects with the errors of `fromElement`.
 *
 * Results are exact, the bits of `prepare(fromElement(source), …)`, as long as the part that is read has at most 2²⁴ pixels (4096 × 4096) and
 * at most 8192 a side, which every platform's canvas holds. A larger part is first drawn at twice the input's size, or at its own where
 * that is smaller, by the canvas, whose shrinking is the browser's; then the resize rule does the rest. So a picture of 48 megapixels takes
 * no more memory than the browser needs to show it.
 */
export async function prepareElement<To extends Target = Tensor>(
  source: PictureSource,
  preprocessing: Preprocessing,
  options: GrabOptions = {},
  into?: To,
): Promise<To> {
  if (isSvgImage(source)) return prepareElement(await pictureOfSvgImage(source), preprocessing, options, into);
  const [width, height] = sizeOfSource(source);
  const { scaling = 'exact', ...seen } = options;
  expectOneOf(PictureError, 'picture: scaling', ['exact', 'canvas'], scaling);
  const channels = channelCount(preprocessing);
  checkSize(preprocessing.size);
  checkAlpha(options.alpha);
  const upright = gridOf({ width, height, channels: 1, data: NO_BYTES }, seen);
  const layout = layoutOf(upright, preprocessing);
  const region = regionOf(partOf(upright, layout.read), width);
  const { region: _, ...turned } = seen;
  if (scaling === 'exact' && isSafe(region.width, region.height)) {
    const x = targetOf([1, ...preprocessing.size, channels], into);
    const pixels = await pixelsOf(source, region);
    const read = gridOf(pixels.picture, { ...turned, region: pixels.region });
    fill(resampleByKernels, read, layout, preprocessing, options, x.data as Numbers, x.nearest);
    reuse(pixels.picture);
    return x;
  }

  const kept = keptPart(upright, preprocessing);
  const from = regionOf(partOf(upright, kept), width);
  const { crop: rule } = preprocessing;
  const sides = rule.kind === 'pad' ? placement(upright, preprocessing).whole : preprocessing.size;
  const [drawnHeight, drawnWidth] = sides.map((side, axis) =>
    scaling === 'canvas' ? side : Math.min(2 * side, axis === 0 ? kept.height : kept.width),
  );
  const isTurned = seen.rotation === 90 || seen.rotation === 270;
  const picture = draw(source, from, isTurned ? drawnHeight : drawnWidth, isTurned ? drawnWidth : drawnHeight);
  const crop = rule.kind === 'pad' ? rule : ({ kind: 'stretch' } as const);
  return prepare(picture, { ...preprocessing, crop }, turned, into);
}

const NO_BYTES = new Uint8Array(0);

/** What the crop keeps, in whole pixels of the upright picture. */
function keptPart(upright: Pick<Picture, 'width' | 'height'>, preprocessing: Preprocessing): Region {
  const { part, whole, window } = placement(upright, preprocessing);
  const along = (start: number, length: number, out: number, from: number, count: number) => {
    const begin = Math.floor((from * length) / out);
    const end = Math.min(from + count, out);
    return [start + begin, Math.max(Math.round((end * length) / out) - begin, 1)];
  };
  const [top, height] = along(part.top, part.height, whole[0], window.top, window.height);
  const [left, width] = along(part.left, part.width, whole[1], window.left, window.width);
  return { top, left, height, width };
}

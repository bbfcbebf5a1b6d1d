/** How large a picture's file may say it is. The header is asked, before anything is decoded: 4 kB of PNG can hold 10⁸ pixels of one colour. */

export interface PictureLimits {
  /**
   * Pictures of more pixels are refused before they are decoded. Unless stated: 50,000,000, and no more than can be decoded in 240 MB,
   * which are 24 to 34 million of a progressive JPEG and of an RGB PNG.
   */
  readonly maxPixels?: number;
  /** Pictures with more pixels along one side are refused; 32,768 unless stated. Preparing them takes memory in proportion to the side. */
  readonly maxSide?: number;
}

const MAX_PIXELS = 50_000_000;
const MAX_SIDE = 32_768;
/** Node itself takes 50 MB more. */
const MAX_MEGABYTES = 240;

/** What is too large about a picture, to stand behind `this picture `; undefined if nothing is. `bytes` is what decoding it takes. */
export function excess(
  width: number,
  height: number,
  { maxPixels, maxSide = MAX_SIDE }: PictureLimits,
  bytes = 0,
): string | undefined {
  const size = `has ${width}×${height} pixels`;
  if (!(Math.max(width, height) <= maxSide)) return `${size}, more than ${maxSide} along a side (maxSide, --max-side)`;
  const most = maxPixels ?? MAX_PIXELS;
  if (!(width * height <= most)) return `${size}, more than ${most} (maxPixels, --max-pixels)`;
  const megabytes = Math.ceil(bytes / 1e6);
  if (maxPixels === undefined && megabytes > MAX_MEGABYTES)
    return `${size}, which take ${megabytes} MB to decode, more than ${MAX_MEGABYTES} (allow so many pixels: maxPixels, --max-pixels)`;
  return undefined;
}

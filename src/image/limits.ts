/** How large a picture's file may say it is. The header is asked, before anything is decoded: 4 kB of PNG can hold 10⁸ pixels of one colour. */

export interface PictureLimits {
  /** Pictures of more pixels are refused before they are decoded, which takes about 11 bytes a pixel; 50,000,000 unless stated. */
  readonly maxPixels?: number;
  /** Pictures with more pixels along one side are refused; 32,768 unless stated. Preparing them takes memory in proportion to the side. */
  readonly maxSide?: number;
}

const MAX_PIXELS = 50_000_000;
const MAX_SIDE = 32_768;

/** What is too large about a picture, to stand behind `this picture `; undefined if nothing is. */
export function excess(
  width: number,
  height: number,
  { maxPixels = MAX_PIXELS, maxSide = MAX_SIDE }: PictureLimits,
): string | undefined {
  const size = `has ${width}×${height} pixels`;
  if (!(Math.max(width, height) <= maxSide)) return `${size}, more than ${maxSide} along a side (maxSide, --max-side)`;
  if (!(width * height <= maxPixels)) return `${size}, more than ${maxPixels} (maxPixels, --max-pixels)`;
  return undefined;
}

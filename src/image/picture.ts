/**
 * A picture is bytes in rows from the top, pixels from the left, channels innermost: grey, RGB or RGBA, 0 to 255, as stored (no colour
 * management, alpha not multiplied in). Browser `ImageData` with `channels: 4` is one. Every function here returns a new picture and
 * leaves the given one as it is.
 */
import { expectOneOf } from '../checks.js';
import { PictureError } from '../errors.js';
import { tagOf } from '../found.js';

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * What becomes of transparency, which no MobileNet knows. `drop` keeps the stored colours, as Pillow's convert('RGB') and TensorFlow's
 * decode_image(channels=3) do, so as the networks were trained; fully transparent pixels then show whatever colour was stored under
 * them. `black` and `white` show the picture on that background.
 */
export type AlphaRule = 'drop' | 'black' | 'white';

/** A rectangle in pixels of a picture as it lies in memory, from the upper left corner. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Degrees clockwise. */
export type Rotation = 0 | 90 | 180 | 270;

/** How a picture is looked at. The steps are taken in this order: transparency, region, rotation, mirror. */
export interface PictureOptions {
  /** For pictures with four channels; 'drop' unless stated. */
  readonly alpha?: AlphaRule;
  /** The part that is used, in pixels of the given picture; the whole unless stated. */
  readonly region?: Region;
  /** The quarter turns, clockwise, that put the region upright; 0 unless stated. */
  readonly rotation?: Rotation;
  /** Left and right change places, after the rotation; false unless stated. */
  readonly mirror?: boolean;
}

/** The same picture, once its fields agree. Throws a PictureError that names `name`, what was found and what was wanted. */
export function checkPicture(picture: Picture, name = 'picture'): Picture {
  const { width, height, channels, data } = picture;
  for (const [side, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new PictureError(`${name}: ${side} must be a whole number of pixels, 1 or more, found ${value}`);
    }
  }
  if (![1, 3, 4].includes(channels)) {
    throw new PictureError(`${name}: wanted 1 (grey), 3 (RGB) or 4 (RGBA) channels, found ${channels}`);
  }
  if (!/^Uint8(Clamped)?Array$/.test(tagOf(data))) {
    throw new PictureError(`${name}: data must be a Uint8Array or Uint8ClampedArray of bytes 0 to 255`);
  }
  if (data.length !== width * height * channels) {
    throw new PictureError(
      `${name}: ${width}×${height} pixels of ${channels} channels want ${width * height * channels} bytes, found ${data.length}`,
    );
  }
  return picture;
}

/** RGB: grey is stacked three times, transparency follows the alpha rule. */
export function toRgb(picture: Picture, alpha: AlphaRule = 'drop'): Picture {
  checkPicture(picture);
  if (picture.channels === 3) return { ...picture, data: picture.data.slice() };
  return mapPixels(picture, 3, colourReader(picture, alpha));
}

/**
 * Grey: ITU-R BT.601 luma, L = (19595·R + 38470·G + 7471·B) / 2¹⁶ rounded to nearest, which are Pillow's own integers for
 * 0.299, 0.587 and 0.114.
 */
export function toGrey(picture: Picture, alpha: AlphaRule = 'drop'): Picture {
  checkPicture(picture);
  if (picture.channels === 1) return { ...picture, data: picture.data.slice() };
  const colour = colourReader(picture, alpha);
  const luma = (pixel: number) =>
    (19595 * colour(pixel, 0) + 38470 * colour(pixel, 1) + 7471 * colour(pixel, 2) + 0x8000) >> 16;
  return mapPixels(picture, 1, luma);
}

/** RGB to BGR, and BGR to RGB; the alpha of RGBA stays last. */
export function swapRedAndBlue(picture: Picture): Picture {
  checkPicture(picture);
  if (picture.channels === 1) throw new PictureError('swapRedAndBlue: a grey picture has no red and blue');
  const { channels, data } = picture;
  return mapPixels(picture, channels, (pixel, c) => data[pixel * channels + (c < 3 ? 2 - c : c)]);
}

/** The rectangle of `height` × `width` pixels whose upper left corner lies at (top, left). */
export function crop(picture: Picture, top: number, left: number, height: number, width: number): Picture {
  checkPicture(picture);
  checkRegion(picture, { top, left, height, width });
  const { channels } = picture;
  const data = new Uint8Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * picture.width + left) * channels;
    data.set(picture.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { width, height, channels, data };
}

export function checkRegion(picture: Pick<Picture, 'width' | 'height'>, { top, left, height, width }: Region): void {
  const inside = top >= 0 && left >= 0 && top + height <= picture.height && left + width <= picture.width;
  if (![top, left, height, width].every(Number.isInteger) || height < 1 || width < 1 || !inside) {
    throw new PictureError(
      `crop: ${width}×${height} pixels at (${left}, ${top}) do not lie inside a picture of ${picture.width}×${picture.height}`,
    );
  }
}

/** Turned clockwise by 0, 90, 180 or 270 degrees: 90 makes the first column, read upward, the first row. */
export function turn(picture: Picture, rotation: Rotation): Picture {
  checkPicture(picture);
  checkRotation(rotation);
  const { width, height } = picture;
  switch (rotation) {
    case 90:
      return rearrange(picture, height, width, (x, y) => [y, height - 1 - x]);
    case 180:
      return rearrange(picture, width, height, (x, y) => [width - 1 - x, height - 1 - y]);
    case 270:
      return rearrange(picture, height, width, (x, y) => [width - 1 - y, x]);
    default:
      return { ...picture, data: picture.data.slice() };
  }
}

/** Left and right exchanged. */
export function mirror(picture: Picture): Picture {
  checkPicture(picture);
  const { width, channels, data } = picture;
  return { ...picture, data: mirrorRows(data, new Uint8Array(data.length), width, channels) };
}

/** Writes `data`, rows of `width` pixels, into `into` with left and right exchanged: bytes of a picture, or numbers of tensors. */
export function mirrorRows<Numbers extends { [index: number]: number }>(
  data: ArrayLike<number>,
  into: Numbers,
  width: number,
  channels: number,
): Numbers {
  for (let at = 0; at < data.length; at += channels) {
    const x = (at / channels) % width;
    const to = at + (width - 1 - 2 * x) * channels;
    for (let c = 0; c < channels; c++) into[to + c] = data[at + c];
  }
  return into;
}

/** The region, turned, then mirrored. Transparency is left to `toRgb` and `toGrey`: it makes no difference which comes first. */
export function arrange(picture: Picture, { region, rotation = 0, mirror: mirrored = false }: PictureOptions): Picture {
  const part = region === undefined ? picture : crop(picture, region.top, region.left, region.height, region.width);
  const upright = rotation === 0 ? part : turn(part, rotation);
  return mirrored ? mirror(upright) : upright;
}

export function checkRotation(rotation: number): void {
  expectOneOf(PictureError, 'picture: rotation', [0, 90, 180, 270], rotation);
}

export function checkAlpha(alpha: AlphaRule = 'drop'): void {
  expectOneOf(PictureError, 'picture: alpha', ['drop', 'black', 'white'], alpha);
}

/** The picture of `width` × `height` whose pixel (x, y) is the given picture's pixel from(x, y). */
function rearrange(
  { channels, data, width: given }: Picture,
  width: number,
  height: number,
  from: (x: number, y: number) => [x: number, y: number],
): Picture {
  const pixels = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = from(x, y);
      const start = (row * given + column) * channels;
      pixels.set(data.subarray(start, start + channels), (y * width + x) * channels);
    }
  }
  return { width, height, channels, data: pixels };
}

/** Reads colour channel c of a pixel with the alpha rule applied; grey pictures have the same value in all three. */
function colourReader({ channels, data }: Picture, alpha: AlphaRule): (pixel: number, c: number) => number {
  checkAlpha(alpha);
  if (channels === 1) return (pixel) => data[pixel];
  if (channels === 3 || alpha === 'drop') return (pixel, c) => data[pixel * channels + c];
  const background = alpha === 'white' ? 255 : 0;
  return (pixel, c) => {
    const opacity = data[pixel * 4 + 3] / 255;
    return Math.round(data[pixel * 4 + c] * opacity + background * (1 - opacity));
  };
}

function mapPixels<C extends 1 | 3 | 4>(
  { width, height }: Picture,
  channels: C,
  value: (pixel: number, c: number) => number,
): Picture {
  const data = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < channels; c++) data[pixel * channels + c] = value(pixel, c);
  }
  return { width, height, channels, data };
}

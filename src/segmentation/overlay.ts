/** Labels drawn over the picture that they are of, on bytes: the same in Node and in a page. */
import { UsageError } from '../errors.js';
import { type Picture, toRgb } from '../image/picture.js';
import { IGNORED, type LabelMap } from './labels.js';
import { type Colour, vocPalette } from './palette.js';

export interface OverlayOptions {
  /** Of the colours, from 0 to 1. Default 0.5. */
  readonly opacity?: number;
  /** By label. Default Pascal VOC's. */
  readonly colours?: readonly Colour[];
}

/** An RGB copy of the picture, mixed with each pixel's colour; label 0, the background, and 255 stay as they are. */
export function overlay(picture: Picture, map: LabelMap, options: OverlayOptions = {}): Picture {
  const { opacity = 0.5, colours = vocPalette() } = options;
  if (!(opacity >= 0 && opacity <= 1)) throw new UsageError(`overlay: opacity must be from 0 to 1, found ${opacity}`);
  if (map.width !== picture.width || map.height !== picture.height) {
    throw new UsageError(
      `overlay: the labels are of ${map.width}×${map.height} pixels, the picture of ${picture.width}×${picture.height}`,
    );
  }
  const copy = toRgb(picture);
  map.labels.forEach((label, pixel) => {
    if (label === 0 || label === IGNORED) return;
    const colour = colours[label % colours.length];
    for (let c = 0; c < 3; c++) {
      const at = pixel * 3 + c;
      copy.data[at] = Math.round((1 - opacity) * copy.data[at] + opacity * colour[c]);
    }
  });
  return copy;
}

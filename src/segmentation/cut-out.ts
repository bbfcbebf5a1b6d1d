/** What belongs to some classes, cut out of its picture. */
import { UsageError } from '../errors.js';
import { type Picture, toRgb } from '../image/picture.js';
import { IGNORED, type LabelMap } from './labels.js';

/** An RGBA copy of the picture in which pixels of other classes are transparent. Unless classes are stated, all but the background stay. */
export function cutOut(picture: Picture, map: LabelMap, classes?: readonly number[]): Picture {
  const { width, height } = picture;
  if (map.width !== width || map.height !== height) {
    throw new UsageError(
      `cutOut: the labels are of ${map.width}×${map.height} pixels, the picture of ${width}×${height}`,
    );
  }
  const stays = new Set(classes ?? Array.from({ length: IGNORED - 1 }, (_, index) => index + 1));
  const { data: rgb } = toRgb(picture);
  const data = new Uint8Array(width * height * 4);
  map.labels.forEach((label, pixel) => {
    data.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    data[pixel * 4 + 3] = stays.has(label) ? 255 : 0;
  });
  return { width, height, channels: 4, data };
}

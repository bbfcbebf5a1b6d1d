/** The way from a place in the network's input back to the picture: what crop, resize, region, rotation and mirror did, undone. */
import type { Preprocessing } from '../network/conventions.js';
import type { Picture, PictureOptions, Region } from './picture.js';
import { type Placement, placement } from './preprocess.js';

/** How a network saw a picture. */
export interface Seen {
  readonly picture: Pick<Picture, 'width' | 'height'>;
  readonly preprocessing: Pick<Preprocessing, 'crop' | 'size'>;
  readonly options?: PictureOptions;
}

/** [y, x]: shares of the input's sides, or pixels of the picture. */
export type Place = readonly [y: number, x: number];

/** The part of the picture that was looked at, in the picture's own pixels. */
const regionOf = ({ picture, options }: Seen): Region =>
  options?.region ?? { left: 0, top: 0, width: picture.width, height: picture.height };

/** [height, width] of the region once it is turned upright, and which part of it the input shows. */
export function uprightOf(seen: Seen): { readonly size: readonly [number, number]; readonly shown: Placement } {
  const region = regionOf(seen);
  const isAcross = seen.options?.rotation === 90 || seen.options?.rotation === 270;
  const [width, height] = isAcross ? [region.height, region.width] : [region.width, region.height];
  return { size: [height, width], shown: placement({ width, height }, seen.preprocessing) };
}

/**
 * From shares of the input's sides, where (0, 0) is its upper left and (1, 1) its lower right corner, to pixels of the picture as it was
 * given. Places beyond the input's edges lead beyond what it shows of the picture.
 */
export function wayBack(seen: Seen): (place: Place) => Place {
  const { part, whole, window } = uprightOf(seen).shown;
  const lying = fromUpright(seen);
  return ([v, u]) =>
    lying([
      part.top + ((window.top + v * window.height) / whole[0]) * part.height,
      part.left + ((window.left + u * window.width) / whole[1]) * part.width,
    ]);
}

/** From pixels of the region, turned upright and mirrored, to those of the picture as it was given. */
export function fromUpright(seen: Seen): (place: Place) => Place {
  const { options = {} } = seen;
  const region = regionOf(seen);
  const [, width] = uprightOf(seen).size;
  const toRegion = unturned(region, options);
  return ([y, x]) => {
    const [row, column] = toRegion([y, options.mirror ? width - x : x]);
    return [region.top + row, region.left + column];
  };
}

/** From the region as it was turned to the region as it lies in the picture. */
function unturned({ width, height }: Region, { rotation = 0 }: PictureOptions): (place: Place) => Place {
  switch (rotation) {
    case 90:
      return ([y, x]) => [height - x, y];
    case 180:
      return ([y, x]) => [height - y, width - x];
    case 270:
      return ([y, x]) => [x, width - y];
    default:
      return (place) => place;
  }
}

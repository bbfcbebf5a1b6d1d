/** Boxed pictures, the views of them that are learnt from, and where the objects lie in a view. */
import type { Picture, Region } from '../../image/picture.js';
import type { Target } from './matching.js';

/** A picture and the objects in it, in its pixels. */
export interface BoxedExample {
  /** The picture is decoded when it is its turn, and let go. */
  readonly picture: () => Promise<Picture>;
  readonly objects: readonly BoxedObject[];
}

export interface BoxedObject {
  readonly label: string;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Not learnt from, and neither right nor wrong in the evaluation. */
  readonly difficult?: boolean;
}

/** The picture itself, its mirror image, then parts of it, mirrored or not. */
export function viewOf(
  picture: Picture,
  view: number,
  random: () => number,
): { readonly region: Region; readonly mirror: boolean } {
  if (view < 2) return { region: wholeOf(picture), mirror: view === 1 };
  return { region: partOf(picture, random), mirror: random() < 0.5 };
}

const wholeOf = ({ width, height }: Picture): Region => ({ left: 0, top: 0, width, height });

/** At least half of each side, anywhere. */
function partOf({ width, height }: Picture, random: () => number): Region {
  const side = (length: number) => Math.max(Math.round(length * (0.5 + 0.5 * random())), 1);
  const [w, h] = [side(width), side(height)];
  return {
    left: Math.floor(random() * (width - w + 1)),
    top: Math.floor(random() * (height - h + 1)),
    width: w,
    height: h,
  };
}

/** Objects whose middle lies in the region, clipped to it, as shares of its sides. */
export function targetsIn(
  region: Region,
  mirror: boolean,
  objects: readonly BoxedObject[],
  labels: readonly string[],
): Target[] {
  return objects.flatMap(({ label, box, difficult }) => {
    const classIndex = labels.indexOf(label);
    if (classIndex < 0 || difficult) return [];
    const x = (box.x + box.width / 2 - region.left) / region.width;
    const y = (box.y + box.height / 2 - region.top) / region.height;
    if (!(x >= 0 && x < 1 && y >= 0 && y < 1)) return [];
    const within = (share: number) => Math.min(Math.max(share, 0), 1);
    const left = within((box.x - region.left) / region.width);
    const right = within((box.x + box.width - region.left) / region.width);
    const top = within((box.y - region.top) / region.height);
    const bottom = within((box.y + box.height - region.top) / region.height);
    return [{ classIndex, box: mirror ? [top, 1 - right, bottom, 1 - left] : [top, left, bottom, right] }];
  });
}

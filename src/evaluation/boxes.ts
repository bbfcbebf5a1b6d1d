/** Boxes in pixels, as data sets and results have them. */

export interface PixelBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function sharedArea(a: PixelBox, b: PixelBox): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(width, 0) * Math.max(height, 0);
}

/** Intersection over union; 0 for two boxes without area. */
export function pixelOverlap(a: PixelBox, b: PixelBox): number {
  const shared = sharedArea(a, b);
  const union = a.width * a.height + b.width * b.height - shared;
  return union > 0 ? shared / union : 0;
}

/** How much of `box` lies in a crowd's box: a crowd is not one object. */
export function crowdOverlap(box: PixelBox, crowd: PixelBox): number {
  const area = box.width * box.height;
  return area > 0 ? sharedArea(box, crowd) / area : 0;
}

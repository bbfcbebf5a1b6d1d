/** What a data set says, and what a detector answers. */
import { FormatError } from '../errors.js';
import type { PixelBox } from './boxes.js';

export interface BoxedTruth {
  /** The picture's id. */
  readonly image: number;
  readonly category: number;
  readonly box: PixelBox;
  /** Square pixels of the object itself, which may be less than of its box. */
  readonly area: number;
  /** COCO: many objects in one box. */
  readonly crowd?: boolean;
  /** Pascal VOC: finding it is neither right nor wrong. */
  readonly difficult?: boolean;
}

export interface BoxedDetection {
  readonly image: number;
  readonly category: number;
  readonly box: PixelBox;
  readonly score: number;
}

/** Throws for the name of a picture's file that leads out of the folder that the pictures are in. */
export function expectWithin(file: string, where: string): string {
  if (!/^([\\/]|[A-Za-z]:)|(^|[\\/])\.\.([\\/]|$)/.test(file)) return file;
  throw new FormatError(`${where}: the picture '${file}' lies outside of the folder of the pictures`);
}

export function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

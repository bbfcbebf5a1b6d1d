/** COCO's annotations, `instances_*.json`: pictures, categories, and a box for each object. */
import { FormatError } from '../errors.js';
import { type BoxedTruth, expectWithin } from './truth.js';

export interface BoxedPicture {
  readonly id: number;
  /** From the folder of the pictures. */
  readonly file: string;
}

/** Boxed pictures as a data set has them, whatever its files. */
export interface BoxedSet {
  readonly pictures: readonly BoxedPicture[];
  /** Name of each category, by its id. */
  readonly categories: ReadonlyMap<number, string>;
  readonly truths: readonly BoxedTruth[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Throws a FormatError that names the file, the entry and what was wanted. */
export function readCoco(text: string, file: string): BoxedSet {
  const whole = parse(text, file);
  const known = new Set<number>();
  const pictures = list(whole, 'images', file).map((entry, at) => {
    const where = `${file}: images[${at}]`;
    const id = newId(entry, known, where);
    known.add(id);
    return { id, file: expectWithin(words(entry, 'file_name', where), where) };
  });
  const categories = new Map<number, string>();
  for (const [at, entry] of list(whole, 'categories', file).entries()) {
    const where = `${file}: categories[${at}]`;
    categories.set(newId(entry, categories, where), words(entry, 'name', where));
  }
  const truths = list(whole, 'annotations', file).map((entry, at): BoxedTruth => {
    const where = `${file}: annotations[${at}]`;
    const image = wholeNumber(entry, 'image_id', where);
    const category = wholeNumber(entry, 'category_id', where);
    if (!known.has(image)) throw new FormatError(`${where}: is of picture ${image}, which is not among the images`);
    if (!categories.has(category)) {
      throw new FormatError(`${where}: is of category ${category}, which is not among the categories`);
    }
    const [x, y, width, height] = boxOf(entry, where);
    const { area, iscrowd } = entry;
    return {
      image,
      category,
      box: { x, y, width, height },
      area: typeof area === 'number' ? area : width * height,
      ...((iscrowd === 1 || iscrowd === true) && { crowd: true }),
    };
  });
  return { pictures, categories, truths };
}

function parse(text: string, file: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Fields;
  } catch (cause) {
    throw new FormatError(`${file}: is no JSON: ${(cause as Error).message}`, { cause });
  }
  throw new FormatError(`${file}: wanted an object with images, annotations and categories`);
}

function list(whole: Fields, name: string, file: string): Fields[] {
  const found = whole[name];
  if (Array.isArray(found) && found.every((entry) => typeof entry === 'object' && entry !== null)) return found;
  throw new FormatError(`${file}: wanted a list of ${name}`);
}

function wholeNumber(entry: Fields, name: string, where: string): number {
  const found = entry[name];
  if (Number.isInteger(found)) return found as number;
  throw new FormatError(`${where}: ${name} must be a whole number, found ${JSON.stringify(found)}`);
}

function newId(entry: Fields, known: { has(id: number): boolean }, where: string): number {
  const id = wholeNumber(entry, 'id', where);
  if (!known.has(id)) return id;
  throw new FormatError(`${where}: another has the id ${id} too`);
}

function words(entry: Fields, name: string, where: string): string {
  const found = entry[name];
  if (typeof found === 'string' && found !== '') return found;
  throw new FormatError(`${where}: ${name} must be a text, found ${JSON.stringify(found)}`);
}

function boxOf({ bbox }: Fields, where: string): number[] {
  const isBox = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite) && bbox[2] >= 0 && bbox[3] >= 0;
  if (isBox) return bbox;
  throw new FormatError(`${where}: bbox must be [x, y, width, height] in pixels, found ${JSON.stringify(bbox)}`);
}

/** Folders of boxed pictures: COCO's and Pascal VOC's. */
import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { FormatError } from '../errors.js';
import { type BoxedSet, type BoxedTruth, readCoco, readVoc, type VocAnnotation } from '../evaluation/index.js';
import { readTextFile } from '../formats/files.js';
import { systemReason } from '../system-error.js';

export type BoxedKind = 'coco' | 'voc';

export interface BoxedFolder extends BoxedSet {
  readonly kind: BoxedKind;
  /** Of a picture's file. */
  readonly path: (file: string) => string;
  /** Of the PNG that says the class of each pixel of a picture; undefined where there is none. */
  readonly mask: (file: string) => string | undefined;
}

/** The set that 'coco:FOLDER' or 'voc:FOLDER' names; undefined for other data. */
export async function boxedFolder(source: string): Promise<BoxedFolder | undefined> {
  const [, kind, folder] = /^(coco|voc):(.+)$/s.exec(source) ?? [];
  if (kind === 'coco') return cocoFolder(folder);
  return kind === 'voc' ? vocFolder(folder) : undefined;
}

/** `instances.json`, alone or in `annotations`, as the official `instances_val2017.json` is; pictures in `images` or beside it. */
async function cocoFolder(folder: string): Promise<BoxedFolder> {
  const entries = await list(folder);
  const within = entries.includes('annotations') ? join(folder, 'annotations') : folder;
  const files = (await list(within)).filter((name) => /^instances.*\.json$/.test(name));
  if (files.length !== 1) {
    throw new FormatError(`${within}: wanted one file instances….json, found ${files.join(', ') || 'none'}`);
  }
  const file = join(within, files[0]);
  const pictures = entries.includes('images') ? join(folder, 'images') : folder;
  return {
    ...readCoco(await readTextFile(file), file),
    kind: 'coco',
    path: (name) => join(pictures, name),
    mask: await masksIn(folder, entries),
  };
}

/** VOC's own folders `Annotations` and `JPEGImages`, or `annotations` and `images`. Pictures are numbered by name. */
async function vocFolder(folder: string): Promise<BoxedFolder> {
  const entries = await list(folder);
  const one = (...names: string[]) => {
    const found = names.find((name) => entries.includes(name));
    if (found === undefined) throw new FormatError(`${folder}: wanted a folder ${names.join(' or ')} in it`);
    return join(folder, found);
  };
  const [annotations, pictures] = [one('Annotations', 'annotations'), one('JPEGImages', 'images')];
  const files = (await list(annotations)).filter((name) => name.endsWith('.xml'));
  if (files.length === 0) throw new FormatError(`${annotations}: wanted .xml files, found none`);
  const read: VocAnnotation[] = [];
  for (const path of files.map((name) => join(annotations, name)))
    read.push(await readVoc(await readTextFile(path), path));
  const seen = new Set<string>();
  const twice = read.find(({ file }) => seen.size === seen.add(file).size);
  if (twice !== undefined) throw new FormatError(`${annotations}: two files are about the picture '${twice.file}'`);
  const labels = [...new Set(read.flatMap(({ objects }) => objects.map(({ label }) => label)))].sort();
  const categoryOf = new Map(labels.map((label, category) => [label, category]));
  return {
    kind: 'voc',
    path: (name) => join(pictures, name),
    mask: await masksIn(folder, entries),
    pictures: read.map(({ file }, id) => ({ id, file })),
    categories: new Map(labels.map((label, category) => [category, label])),
    truths: read.flatMap(({ objects }, image) =>
      objects.map(({ label, box, difficult }): BoxedTruth => {
        const area = box.width * box.height;
        return { image, category: categoryOf.get(label)!, box, area, ...(difficult && { difficult }) };
      }),
    ),
  };
}

/** VOC's own folder, or one called masks. A mask has its picture's name. */
async function masksIn(folder: string, entries: readonly string[]): Promise<BoxedFolder['mask']> {
  const name = ['SegmentationClass', 'masks'].find((one) => entries.includes(one));
  if (name === undefined) return () => undefined;
  const masks = new Set(await list(join(folder, name)));
  return (file) => {
    const mask = `${basename(file, extname(file))}.png`;
    return masks.has(mask) ? join(folder, name, mask) : undefined;
  };
}

/** The set's pictures that a file lists, one a line without ending, as those of VOC's ImageSets do. Throws a FormatError for others. */
export async function onlyListed(set: BoxedFolder, path: string): Promise<BoxedFolder> {
  const text = await readTextFile(path);
  const names = text.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
  const nameOf = (file: string) => basename(file, extname(file));
  const known = new Map(set.pictures.map((picture) => [nameOf(picture.file), picture]));
  const pictures = [...new Set(names)].map((name) => {
    const found = known.get(name) ?? known.get(nameOf(name));
    if (found === undefined) throw new FormatError(`${path}: lists '${name}', which the data does not have`);
    return found;
  });
  return { ...set, pictures };
}

const list = async (folder: string): Promise<string[]> =>
  (
    await readdir(folder).catch((cause) => {
      throw new FormatError(`${folder}: ${systemReason(cause)}`, { cause });
    })
  ).sort();

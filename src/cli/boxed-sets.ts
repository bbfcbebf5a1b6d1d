/** Folders of boxed pictures: COCO's and Pascal VOC's. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
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

/**
 * `instances.json` or the folder's only .json file, alone or in `annotations`, as the official `instances_val2017.json` is, or a file that is named itself.
 * Pictures lie in `images`, in the official `val2017`, or beside the file.
 */
async function cocoFolder(source: string): Promise<BoxedFolder> {
  const isFile = source.endsWith('.json');
  const within = isFile ? dirname(source) : source;
  const folder = isFile && basename(within) === 'annotations' ? dirname(within) : within;
  const entries = await list(folder);
  const file = isFile
    ? source
    : await annotationsIn(entries.includes('annotations') ? join(folder, 'annotations') : folder);
  const part = /^instances_(.+)\.json$/.exec(basename(file))?.[1];
  const pictures = ['images', part].find((name) => name !== undefined && entries.includes(name));
  return {
    ...readCoco(await readTextFile(file), file),
    kind: 'coco',
    path: (name) => join(folder, pictures ?? '', name),
    mask: await masksIn(folder, entries),
  };
}

async function annotationsIn(folder: string): Promise<string> {
  const all = (await list(folder)).filter((name) => name.endsWith('.json'));
  const instances = all.filter((name) => name.startsWith('instances'));
  const files = instances.length > 0 ? instances : all;
  if (files.length === 1) return join(folder, files[0]);
  throw new FormatError(
    files.length === 0
      ? `${folder}: wanted one file instances….json, found none`
      : `${folder}: wanted one file of annotations, found ${files.join(', ')}; name one: coco:${join(folder, files[0])}`,
  );
}

/**
 * VOC's own folders `Annotations` and `JPEGImages`, or `annotations` and `images`, or one folder of both, as labelImg makes it. Pictures are numbered by
 * the names of their annotations.
 */
async function vocFolder(folder: string): Promise<BoxedFolder> {
  const entries = await list(folder);
  const one = (...names: string[]) => names.find((name) => entries.includes(name));
  const [own, beside] = [one('Annotations', 'annotations'), one('JPEGImages', 'images')];
  const annotations = join(folder, own ?? '');
  if (own !== undefined && beside === undefined)
    throw new FormatError(`${folder}: wanted a folder JPEGImages or images in it`);
  const files = (await list(annotations)).filter((name) => name.endsWith('.xml'));
  if (files.length === 0) {
    const folders = own === undefined ? ', in it or in a folder Annotations or annotations' : '';
    throw new FormatError(`${annotations}: wanted .xml files${folders}, found none`);
  }
  const pictures = join(folder, beside ?? '');
  const named = pictureNames((await list(pictures)).filter((name) => !name.endsWith('.xml')));
  const read: (VocAnnotation & { readonly file: string })[] = [];
  for (const name of files) {
    const path = join(annotations, name);
    const annotation = await readVoc(await readTextFile(path), path);
    read.push({ ...annotation, file: named(annotation.file, basename(name, '.xml'), path) });
  }
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

/** The picture that an annotation names, if it is there, or else the one with the annotation's own name, which is VOC's rule. */
function pictureNames(pictures: readonly string[]): (stated: string | undefined, own: string, path: string) => string {
  const known = new Set(pictures);
  const byName = new Map(pictures.map((file) => [basename(file, extname(file)), file]));
  return (stated, own, path) => {
    const found = stated !== undefined && known.has(stated) ? stated : (byName.get(own) ?? stated);
    if (found !== undefined) return found;
    throw new FormatError(`${path}: names no picture in <filename>, and there is none called '${own}'`);
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

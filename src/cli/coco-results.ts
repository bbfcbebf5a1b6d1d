/** Boxes in the form that COCO's evaluation and its servers read: a list of {image_id, category_id, bbox, score}. */
import { basename } from 'node:path';
import type { Detection } from '../detection/index.js';
import { UsageError } from '../errors.js';
import { readCoco } from '../evaluation/index.js';
import { readTextFile } from '../formats/files.js';

export interface CocoResult {
  readonly image_id: number;
  readonly category_id: number;
  /** x, y, width and height in pixels, not rounded. */
  readonly bbox: readonly [number, number, number, number];
  readonly score: number;
}

/** A picture's results. */
export type CocoResults = (picture: string, detections: readonly Detection[]) => CocoResult[];

/**
 * With annotations, ids are theirs: of the picture by its file's name, of the class by its label; boxes of other classes are left out. Without,
 * ids are the digits of the picture's name and COCO's ids of its classes. Throws a UsageError for pictures and classes without an id.
 */
export async function cocoResults(pictures: readonly string[], annotations: string | undefined): Promise<CocoResults> {
  const set = annotations === undefined ? undefined : readCoco(await readTextFile(annotations), annotations);
  const known = set && new Map(set.pictures.map(({ file, id }) => [basename(file), id]));
  const ids = new Map(pictures.map((picture) => [picture, imageId(picture, known, annotations)]));
  const byLabel = set && new Map([...set.categories].map(([category, label]) => [label, category]));
  return (picture, detections) =>
    detections.flatMap((detection) => {
      const category_id = byLabel === undefined ? cocoId(detection) : byLabel.get(detection.label);
      if (category_id === undefined) return [];
      const { x, y, width, height } = detection.box;
      return [
        { image_id: ids.get(picture)!, category_id, bbox: [x, y, width, height] as const, score: detection.score },
      ];
    });
}

/** `known`: the ids of the annotations' pictures, by the names of their files. */
function imageId(
  picture: string,
  known: ReadonlyMap<string, number> | undefined,
  annotations: string | undefined,
): number {
  if (known === undefined) {
    const digits = /(\d+)\D*$/.exec(basename(picture))?.[1];
    if (digits !== undefined) return Number(digits);
    throw new UsageError(
      `--coco: the name of '${picture}' has no number that would be the picture's id; give --annotations FILE`,
    );
  }
  const found = known.get(basename(picture));
  if (found !== undefined) return found;
  throw new UsageError(`--coco: '${picture}' is not among the pictures of ${annotations}`);
}

function cocoId({ id, label }: Detection): number {
  if (id !== undefined) return id;
  throw new UsageError(
    `--coco: the class '${label}' has no id of COCO's, whose detectors have 80 or 90 classes; give --annotations FILE`,
  );
}

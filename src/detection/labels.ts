/**
 * Which label belongs to which class. Three lists are in use for one detector of COCO's objects: 80 names; 90 lines with ??? for the
 * ten ids that no class has; 91 lines with background first. A list that is off by one turns every person into a toothbrush,
 * so a list of any other length is refused, and the answer says which was taken.
 */
import { UsageError } from '../errors.js';
import type { Background } from './suppression.js';

/** Ids between 1 and 90 that no class of COCO's detection task has. */
const COCO_GAPS: ReadonlySet<number> = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);

/** The ids of COCO's 80 classes. */
export const COCO_IDS: readonly number[] = Array.from({ length: 90 }, (_, index) => index + 1).filter(
  (id) => !COCO_GAPS.has(id),
);

export interface ClassLabels {
  /** By class, from 0, background not counted. Undefined where the class has no name. */
  readonly labels: readonly (string | undefined)[];
  /** How the list was read, for people. */
  readonly taken: string;
}

const unnamed = (line: string): boolean => line === '' || line === '???';

/** Labels by class for a network whose scores have this many slots. Throws a UsageError for a list of another length. */
export function labelsByClass(lines: readonly string[], slots: number, background: Background): ClassLabels {
  const classes = background === 'slot 0' ? slots - 1 : slots;
  const named = lines.map((line) => (unnamed(line) ? undefined : line));
  if (lines.length === classes) return { labels: named, taken: `${classes} labels, one for each class` };
  if (background === 'slot 0' && lines.length === slots) {
    return { labels: named.slice(1), taken: `${slots} labels, the first for background` };
  }
  if (classes === 90 && lines.length === COCO_IDS.length) {
    const labels: (string | undefined)[] = new Array(90).fill(undefined);
    COCO_IDS.forEach((id, index) => {
      labels[id - 1] = named[index];
    });
    return { labels, taken: "80 labels, for the 80 of COCO's ids 1 to 90 that have a class" };
  }
  const wanted = [classes === 1 ? '1 label' : `${classes} labels`];
  if (background === 'slot 0') wanted.push(`${slots} with background first`);
  if (classes === 90) wanted.push('80 for COCO');
  throw new UsageError(
    `labels: the network has ${classes === 1 ? '1 class' : `${classes} classes`} and wants ${wanted.join(' or ')}, found ${lines.length}`,
  );
}

/** COCO's id by class: of 90 classes the id is the class + 1, of 80 the ids leave out the gaps. Undefined for other numbers of classes. */
export function cocoIds(classes: number): readonly number[] | undefined {
  if (classes === 80) return COCO_IDS;
  if (classes === 90) return Array.from({ length: 90 }, (_, index) => index + 1);
  return undefined;
}

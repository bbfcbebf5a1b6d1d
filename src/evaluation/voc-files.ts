/** Pascal VOC's annotations: an XML file for each picture. */
import type { Node } from '@xmldom/xmldom';
import { FormatError } from '../errors.js';
import type { PixelBox } from './boxes.js';
import { expectWithin } from './truth.js';

export interface VocObject {
  readonly label: string;
  /** VOC counts pixels from 1 and both corners belong to the box: one from 1 to 10 has x 0 and width 10. */
  readonly box: PixelBox;
  readonly difficult: boolean;
}

export interface VocAnnotation {
  /** The picture's file, from the folder of the pictures, as the annotation has it; many tools leave it out, or do not keep it up to date. */
  readonly file?: string;
  readonly objects: readonly VocObject[];
}

/** Throws a FormatError that names the file, and the place of what is no XML. */
export async function readVoc(text: string, file: string): Promise<VocAnnotation> {
  const root = await parse(text, file);
  if (nameOf(root) !== 'annotation') throw new FormatError(`${file}: wanted an <annotation>, found <${root.nodeName}>`);
  const objects = [...root.childNodes].filter((node) => nameOf(node) === 'object');
  const picture = child(root, 'filename')?.textContent?.trim();
  return {
    ...(picture && { file: expectWithin(picture, file) }),
    objects: objects.map((object, index) => objectOf(object, `${file}: object ${index + 1}`)),
  };
}

function objectOf(object: Node, where: string): VocObject {
  const box = child(object, 'bndbox');
  if (box === undefined) throw new FormatError(`${where}: has no <bndbox>`);
  const [xmin, ymin, xmax, ymax] = ['xmin', 'ymin', 'xmax', 'ymax'].map((side) => numberOf(box, side, where));
  if (xmax < xmin || ymax < ymin) {
    throw new FormatError(`${where}: its box ends before it begins: ${xmin}, ${ymin} to ${xmax}, ${ymax}`);
  }
  return {
    label: textOf(object, 'name', where),
    box: { x: xmin - 1, y: ymin - 1, width: xmax - xmin + 1, height: ymax - ymin + 1 },
    difficult: child(object, 'difficult')?.textContent?.trim() === '1',
  };
}

/** Without a prefix, which stands for a namespace. */
const nameOf = ({ nodeName }: Node): string => nodeName.slice(nodeName.indexOf(':') + 1);

const child = (element: Node, name: string): Node | undefined =>
  [...element.childNodes].find((node) => nameOf(node) === name);

function textOf(element: Node, name: string, where: string): string {
  const found = child(element, name)?.textContent?.trim();
  if (found) return found;
  throw new FormatError(
    `${where}: wanted a text in <${name}>, found ${found === undefined ? 'no such element' : 'nothing'}`,
  );
}

function numberOf(element: Node, name: string, where: string): number {
  const found = textOf(element, name, where);
  const value = Number(found);
  if (Number.isFinite(value)) return value;
  throw new FormatError(`${where}: wanted a number in <${name}>, found '${found}'`);
}

async function parse(text: string, file: string): Promise<Node> {
  const { DOMParser } = await import('@xmldom/xmldom');
  // The parser puts what a handler throws into words of its own; it goes on after an error, but not after a fatal one.
  let wrong: string | undefined;
  const onError = (level: string, message: string) => {
    if (level !== 'warning') wrong ??= message;
  };
  try {
    const { documentElement } = new DOMParser({ onError }).parseFromString(text.replace(/^\uFEFF/, ''), 'text/xml');
    if (documentElement !== null && wrong === undefined) return documentElement;
  } catch (cause) {
    throw new FormatError(`${file}: is no XML: ${wrong ?? (cause as Error).message}`, { cause });
  }
  throw new FormatError(`${file}: is no XML: ${wrong ?? 'it has no element'}`);
}

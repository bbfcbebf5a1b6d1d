/** From whatever a model is asked about to a picture. */
import { PictureError } from '../errors.js';
import { found, tagOf } from '../found.js';
import { fromElement, fromImageData, type PictureSource } from '../image/browser.js';
import type { Picture, PictureOptions } from '../image/picture.js';
import type { WebBlob } from '../web-types.js';

/** The picture in a file's bytes; `name` is what errors call it. */
export type Decode = (file: Uint8Array | WebBlob, name: string) => Promise<Picture>;

/** What the platform does for inputs that are not in memory as pixels. */
export interface Pictures {
  readonly decode: Decode;
  /** The bytes of the file that a text or URL names. */
  read(name: string): Promise<Uint8Array>;
}

const ELEMENTS = /^(HTML(Image|Video|Canvas)Element|SVGImageElement|OffscreenCanvas|ImageBitmap|VideoFrame)$/;
const BYTES = /^(Uint8Array|ArrayBuffer)$/;

/** The picture that an input shows. Throws a PictureError that says what was found and what to do. */
export async function pictureOf(
  task: string,
  input: unknown,
  pictures: Pictures,
  _options: PictureOptions,
): Promise<Picture> {
  const tag = tagOf(input);
  if (tag === 'ImageData') return fromImageData(input as ImageData);
  if (isPicture(input)) return input;
  if (ELEMENTS.test(tag)) return fromElement(input as PictureSource);
  if (tag === 'Blob' || tag === 'File')
    return pictures.decode(input as WebBlob, (input as { name?: string }).name ?? 'picture');
  if (BYTES.test(tag)) return pictures.decode(new Uint8Array(input as ArrayBuffer), 'picture');
  if (typeof input === 'string' || tag === 'URL') {
    const name = String(input);
    return pictures.decode(await pictures.read(name), name);
  }
  throw new PictureError(`${task}: wanted a picture, found ${found(input)}`);
}

const isPicture = (input: unknown): input is Picture =>
  typeof input === 'object' && input !== null && 'channels' in input && 'data' in input && 'width' in input;

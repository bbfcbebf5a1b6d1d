/** From whatever a model is asked about to a picture. */
import { DepthwiseError, PictureError } from '../errors.js';
import { found, tagOf } from '../found.js';
import { fromImageData, type GrabOptions, prepareElement } from '../image/browser.js';
import type { Picture } from '../image/picture.js';
import { inputShape } from '../image/preprocess.js';
import { isSource, isSvgImage, type PictureSource, pictureOfSvgImage, sizeOfSource } from '../image/sources.js';
import type { Seen } from '../image/way-back.js';
import { prepare } from '../image/with-kernels.js';
import type { Network } from '../network/network.js';
import { preprocessingFor } from '../tasks/execute.js';
import type { Tensor } from '../tensor.js';
import type { WebBlob } from '../web-types.js';
import type { ModelPlan } from './model.js';

/** What an input shows: pixels in memory, or something that a canvas draws. */
export type Shown = Picture | PictureSource;

/** The picture in a file's bytes, or a bitmap that is closed after use; `name` is what errors call it. */
export type Decode = (file: Uint8Array | WebBlob, name: string) => Promise<Shown>;

/** What the platform does for inputs that are not in memory as pixels. */
export interface Pictures {
  readonly decode: Decode;
  /** The bytes of the file that a text or URL names; errors begin with the task. */
  read(name: string, task: string): Promise<Uint8Array>;
}

const BYTES = /^(Uint8Array|ArrayBuffer)$/;

/** What an input shows. Throws a PictureError that says what was found and what to do. */
export async function shownBy(task: string, input: unknown, pictures: Pictures): Promise<Shown> {
  const tag = tagOf(input);
  if (tag === 'ImageData') return fromImageData(input as ImageData);
  if (isPixels(input)) return { channels: input.data?.length / (input.width * input.height), ...input } as Picture;
  if (isSource(input)) return input;
  if (tag === 'Blob' || tag === 'File')
    return pictures.decode(input as WebBlob, (input as { name?: string }).name ?? 'picture');
  if (BYTES.test(tag)) return pictures.decode(new Uint8Array(input as ArrayBuffer), 'picture');
  if (typeof input === 'string' || tag === 'URL') {
    const name = String(input);
    return pictures.decode(await pictures.read(name, task), name);
  }
  throw new PictureError(`${task}: wanted a picture, found ${found(input)}${adviceFor(input)}`);
}

/** What `make` makes of what an input shows, whose bitmap is closed if it was made here. */
export async function withShown<Result>(
  task: string,
  input: unknown,
  pictures: Pictures,
  make: (shown: Shown) => Result | Promise<Result>,
): Promise<Result> {
  const shown = await shownBy(task, input, pictures);
  try {
    return await make(shown);
  } finally {
    if (shown !== input) (shown as { close?(): void }).close?.();
  }
}

/** The input tensor of what is shown when this is called, and the way back to its pixels. `integersOf` makes the tensor, where it is one of integers. */
export async function seenInput(
  network: Network,
  shown: Shown,
  options: GrabOptions,
  integersOf?: ModelPlan['integersOf'],
): Promise<{ readonly x: Tensor; readonly seen: Seen }> {
  if (isSvgImage(shown)) return seenInput(network, await pictureOfSvgImage(shown), options, integersOf);
  const preprocessing = preprocessingFor(network, options);
  const into = integersOf && (integersOf(inputShape(preprocessing)) as unknown as Tensor);
  const { region, rotation, mirror } = options;
  const seenAs = { ...(region && { region }), ...(rotation && { rotation }), ...(mirror && { mirror }) };
  if (!isSource(shown)) {
    const { width, height } = shown as Picture;
    return {
      x: prepare(shown as Picture, preprocessing, options, into),
      seen: { picture: { width, height }, preprocessing, options: seenAs },
    };
  }
  const [width, height] = sizeOfSource(shown);
  const x = await prepareElement(shown, preprocessing, options, into);
  return { x, seen: { picture: { width, height }, preprocessing, options: seenAs } };
}

/** A picture, or its pixels alone, whose number of channels follows: those of sharp's `raw()`, and ImageData of packages. */
const isPixels = (input: unknown): input is Omit<Picture, 'channels'> =>
  typeof input === 'object' && input !== null && 'data' in input && 'width' in input && 'height' in input;

/** What to give in place of what is often given by mistake. */
const ADVICE: Readonly<Record<string, string>> = {
  Promise: 'await it',
  Response: 'give await response.blob()',
  Request: 'give await (await fetch(request)).blob()',
  NodeList: 'give [...list]',
  HTMLCollection: 'give [...list]',
  FileList: 'give [...files]',
  Set: 'give [...set]',
  FileSystemFileHandle: 'give await handle.getFile()',
  MediaStream: "give the <video> that plays it; webcam() of 'depthwise/browser' makes one",
  SVGSVGElement: 'an <img> whose src is the SVG draws it',
};

/** For the end of an error. */
function adviceFor(value: unknown): string {
  const advice = ADVICE[tagOf(value)];
  return advice === undefined ? '' : `; ${advice}`;
}

/** Answers with what `work` makes of an input; of a list, errors name the input, counted from 0. */
export async function ofInput<Result>(
  task: string,
  index: number | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (index === undefined || !(error instanceof DepthwiseError)) throw error;
    const Kind = error.constructor as new (message: string, options: ErrorOptions) => DepthwiseError;
    const message = error.message.replace(`${task}: `, '');
    throw new Kind(`${task}: input ${index} of the list: ${message}`, { cause: error });
  }
}

/**
 * Inputs on their way to a worker. A video becomes a frame, which takes the page a fraction of a millisecond and is drawn and prepared there. Other
 * elements are prepared here: a browser draws a large picture at a bounded size from its own decoder many times faster than it makes a bitmap
 * of it (48 megapixels in Chromium: 50 ms, where createImageBitmap blocks the page for 700). The rest is sent as it is.
 */
import { tagOf } from '../found.js';
import { frameOf } from '../image/frames.js';
import type { Picture } from '../image/picture.js';
import { isSource, type PictureSource } from '../image/sources.js';
import { type Pictures, withShown } from '../load/inputs.js';
import type { ModelInput } from '../load/model.js';
import type { Tensor } from '../tensor.js';

export interface SentInput {
  /** What the structured clone can carry. */
  readonly value: unknown;
  /** Parts of it that are made here, and moved. */
  readonly made: readonly Transferable[];
  /** Parts of it that are the caller's. */
  readonly given: readonly Transferable[];
}

/** What an input shows when this is called, also where it takes longer. Throws a PictureError as the model in the page does. */
export async function sendInput(
  task: string,
  input: ModelInput,
  pictures: Pictures,
  prepare: (source: PictureSource) => Promise<Tensor>,
): Promise<SentInput> {
  switch (tagOf(input)) {
    case 'ImageBitmap':
    case 'VideoFrame':
    case 'ArrayBuffer':
      return { value: input, made: [], given: [input as Transferable] };
    case 'ImageData':
    case 'Uint8Array':
      return { value: input, made: [], given: [memoryOf(input)] };
    case 'Blob':
    case 'File':
      return { value: input, made: [], given: [] };
    case 'HTMLVideoElement': {
      const frame = frameOf(input as HTMLVideoElement) as VideoFrame | undefined;
      if (frame) return { value: frame, made: [frame], given: [] };
      break;
    }
    case 'String':
    case 'URL': {
      const name = String(input);
      return {
        value: new File([(await pictures.read(name, task)) as Uint8Array<ArrayBuffer>], name),
        made: [],
        given: [],
      };
    }
    case 'Object':
      if (isPlain(input)) return { value: input, made: [], given: [memoryOf(input)] };
  }
  const value = await withShown(task, input, pictures, (shown) => (isSource(shown) ? prepare(shown) : shown));
  return { value, made: [memoryOf(value)], given: [] };
}

/** A Picture or a Tensor: numbers in memory. */
const isPlain = (input: unknown): input is Picture | Tensor => ArrayBuffer.isView((input as Tensor).data);

const memoryOf = (input: unknown): ArrayBuffer =>
  (ArrayBuffer.isView(input) ? input : (input as Picture | Tensor | ImageData).data).buffer as ArrayBuffer;

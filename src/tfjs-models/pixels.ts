/** The pictures that programs for TensorFlow.js hand over. */
import { PictureError } from '../errors.js';
import { tagOf } from '../found.js';
import { fromElement, fromImageData, type PictureSource } from '../image/browser.js';
import type { Picture } from '../image/picture.js';

/** Of tf.Tensor3D, [height, width, 3], what is needed of it. */
export interface PixelTensor {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
}

/**
 * A tensor of pixels, a Picture, ImageData, <img>, <video>, <canvas>, OffscreenCanvas, ImageBitmap or VideoFrame. No wider type than `object` compiles in
 * projects without lib DOM, too.
 */
export type MobileNetInput = PixelTensor | Picture | object;

/** Throws a PictureError for a tensor that does not hold pixels, and for elements that show nothing. */
export function pictureIn(img: MobileNetInput): Picture {
  if (typeof img === 'object' && img !== null) {
    if ('dataSync' in img) return fromPixels(img as PixelTensor);
    if ('channels' in img) return img as Picture;
    if (tagOf(img) === 'ImageData') return fromImageData(img as ImageData);
  }
  return fromElement(img as PictureSource);
}

function fromPixels(tensor: PixelTensor): Picture {
  const [height, width, channels] = tensor.shape;
  if (tensor.shape.length !== 3 || channels !== 3) {
    throw new PictureError(`mobilenet: the tensor is [${tensor.shape}]; wanted a picture, [height, width, 3]`);
  }
  const numbers = tensor.dataSync();
  const data = Uint8Array.from(numbers);
  const odd = data.findIndex((byte, at) => byte !== numbers[at]);
  if (odd !== -1) {
    throw new PictureError(
      `mobilenet: number ${odd} of the tensor is ${numbers[odd]}; wanted pixels as tf.browser.fromPixels makes them, whole numbers from 0 to 255`,
    );
  }
  return { width, height, channels, data };
}
